"""What nobody may see of a camera's picture, from its configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

from app.doors.devices import DoorDevice
from detectors.config import decode_config
from detectors.mask import burn

# Returns a JPEG as it may be seen; raises `DecodeError`.
Conceal: TypeAlias = Callable[[bytes], bytes]


def conceal_of(device: DoorDevice) -> Conceal:
    """Return the masking of a camera; raise `DecodeError` when its configuration cannot be read:
    where it is not known what must be hidden, nothing is shown.
    """
    message = {**device.config, "version": device.config_version}
    masks = decode_config(json.dumps(message).encode()).masks
    return lambda jpeg: burn(jpeg, masks)
