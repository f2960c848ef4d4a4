"""Sound of a talk in numbers: a tone to send, and how loud what came was."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE_HZ = 48_000
FRAME_SAMPLES = RATE_HZ // 50  # 20 ms, as Opus has it
TONE_HZ = 440.0
_LEVEL = 0.3

Samples = npt.NDArray[np.int16]


def tone(first_sample: int) -> Samples:
    """Return 20 ms of the tone, int16 mono, going on from sample number `first_sample`."""
    at_s = (np.arange(FRAME_SAMPLES) + first_sample) / RATE_HZ
    return (np.sin(2 * np.pi * TONE_HZ * at_s) * _LEVEL * 32767).astype(np.int16)


def loudness(samples: npt.NDArray[np.int16]) -> float:
    """Return the RMS of int16 samples as a part of full scale, 0 to 1."""
    if samples.size == 0:
        return 0.0
    return float(np.sqrt(np.mean((samples.astype(np.float64) / 32768.0) ** 2)))
