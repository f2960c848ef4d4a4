"""Commands to devices and their replies, over the session of the process."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from core import wire
from core.clock import Clock
from core.commands import Answer, Outcome
from core.errors import DecodeError
from core.ports import Bus, Message
from core.telemetry import REJECTS
from core.topics import Kind, Topic, parse

_ID_BYTES = 12  # not to be guessed: a reply is believed by its id and its topic
_DATA = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class _Asked:
    device: str
    replied: threading.Event
    later: Callable[[Mapping[str, Any]], None] | None
    reply: wire.Reply | None = None


class CommandLine:
    """`core.ports.Commands` over MQTT: QoS 0 down, matched with what comes on `reply`.

    Safe from any thread; each `ask` waits in its caller's. Give `take` to the session as its sink.
    """

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[str, _Asked] = {}

    def ask(
        self,
        device: str,
        type: str,  # noqa: A002
        data: Mapping[str, Any],
        *,
        within_s: float,
        later: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Answer:
        command_id = secrets.token_urlsafe(_ID_BYTES)
        command = wire.Command(
            id=command_id,
            type=type,
            data=msgspec.Raw(msgspec.json.encode(dict(data))),
            expires_at=self._clock.now() + timedelta(seconds=within_s),
        )
        asked = _Asked(device, threading.Event(), later)
        with self._lock:
            self._asked[command_id] = asked
        try:
            self._bus.publish_all([(str(Topic(device, Kind.CMD)), wire.encode(command))])
            asked.replied.wait(within_s)
        finally:
            answer = _answer(command_id, asked.reply)
            if later is None or answer.outcome is not Outcome.DONE:
                self.forget(command_id)
        return answer

    def forget(self, command_id: str) -> None:
        with self._lock:
            self._asked.pop(command_id, None)

    def take(self, messages: Sequence[Message]) -> None:
        """Take replies off the network thread; a bad or foreign one is counted and dropped."""
        for message in messages:
            try:
                self._take(parse(message.topic).device, wire.decode_reply(message.payload))
            except DecodeError as error:
                REJECTS.labels("reply", error.reason).inc()

    def _take(self, device: str, reply: wire.Reply) -> None:
        with self._lock:
            asked = self._asked.get(reply.id)
        if asked is None or asked.device != device:
            return  # of another process, too late, or not asked of this device
        if asked.reply is None:
            asked.reply = reply
            asked.replied.set()
        elif asked.later is not None:
            asked.later(_data(reply))


def _data(reply: wire.Reply) -> dict[str, Any]:
    try:
        return _DATA.decode(reply.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DecodeError("schema", "a reply's data is not an object") from None


def _answer(command_id: str, reply: wire.Reply | None) -> Answer:
    if reply is None:
        return Answer(command_id, Outcome.SILENT, reason="no reply in time")
    try:
        data = _data(reply)
    except DecodeError as error:
        return Answer(command_id, Outcome.REFUSED, reason=str(error))
    if reply.ok:
        return Answer(command_id, Outcome.DONE, data)
    reason = str(data.get("reason", ""))[:200]
    busy = reason == "busy"
    return Answer(command_id, Outcome.BUSY if busy else Outcome.REFUSED, data, reason)
