"""A process without a broker: no device can be reached, and everything else goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from core.errors import BrokerAway
from core.frames import Frame


class Unplugged:
    """`Commands` and `Cameras` that lead nowhere."""

    def ask(
        self,
        device: str,
        type: str,  # noqa: A002, ARG002
        data: Mapping[str, Any],  # noqa: ARG002
        *,
        within_s: float,  # noqa: ARG002
        later: Callable[[Mapping[str, Any]], None] | None = None,  # noqa: ARG002
    ) -> NoReturn:
        raise BrokerAway(f"{device}: this process has no broker")

    def forget(self, command_id: str) -> None:
        """Nothing was asked."""

    def watch(self, device: str, take: Callable[[Frame], None]) -> NoReturn:  # noqa: ARG002
        raise BrokerAway(f"{device}: this process has no broker")
