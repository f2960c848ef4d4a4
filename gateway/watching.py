"""The frames of one camera while somebody watches: a session of its own, ended with the view.

So a view takes nothing from the session that carries replies, and one slow picture holds up
nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from core.errors import BrokerAway, DecodeError
from core.frames import HEADER, MAX_JPEG_BYTES, Frame, decode_frame
from core.ports import Message, Sink
from core.telemetry import REJECTS
from core.topics import Kind, Topic

MAX_FRAME_BYTES = HEADER.size + MAX_JPEG_BYTES
_READY_S = 5.0


class _Session(Protocol):
    def deliver_to(self, sink: Sink) -> None: ...
    def start(self) -> None: ...
    def wait_ready(self, timeout_s: float) -> bool: ...
    def stop(self) -> None: ...


class Watch:
    """One camera being watched, until `stop`."""

    def __init__(self, session: _Session) -> None:
        self._session = session

    def stop(self) -> None:
        self._session.stop()


class Cameras:
    """`core.ports.Cameras` over MQTT; `session_of` makes the session that hears a topic."""

    def __init__(self, session_of: Callable[[str], _Session]) -> None:
        self._session_of = session_of

    def watch(self, device: str, take: Callable[[Frame], None]) -> Watch:
        session = self._session_of(str(Topic(device, Kind.FRAME)))

        def sink(messages: Sequence[Message]) -> None:
            for message in messages:
                try:
                    frame = decode_frame(message.payload)
                except DecodeError as error:
                    REJECTS.labels("live", error.reason).inc()
                else:
                    take(frame)

        session.deliver_to(sink)
        session.start()
        if not session.wait_ready(_READY_S):
            session.stop()
            raise BrokerAway("the broker does not let us watch")
        return Watch(session)
