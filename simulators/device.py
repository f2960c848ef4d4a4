"""What every simulated device does: session, outbox, heartbeats, commands and their replies."""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from core import wire
from core.clock import Clock, SystemClock
from core.topics import Kind
from simulators import outbox_file
from simulators.connection import Connection, Credentials
from simulators.loop import Loop
from simulators.outbox import Outbox, Settled, payloads

FIRMWARE = "1.0.0-sim"
HEARTBEAT_EVERY_S = 30.0
_LOOK_EVERY_S = 5.0  # keepalive is checked at least this often
_KEPT_ANSWERS = 4096

_ACK = msgspec.json.Decoder(wire.Ack)
_COMMAND = msgspec.json.Decoder(wire.Command)
_log = logging.getLogger(__name__)


class _Mask(msgspec.Struct):
    polygon: list[tuple[float, float]]


class Config(msgspec.Struct):
    """What this device looks at of its configuration."""

    version: int
    masks: list[_Mask] = []


_CONFIG = msgspec.json.Decoder(Config)


class _Update(msgspec.Struct):
    version: str
    url: str
    sha256: str
    signature: str


def _update_of(command: wire.Command) -> _Update:
    """Return what a signed update must say; the simulator has no firmware to fetch and verify."""
    try:
        return msgspec.json.decode(command.data, type=_Update)
    except msgspec.ValidationError as error:
        raise CannotDo("bad update", str(error)) from None


class CannotDo(Exception):  # noqa: N818 - answered, not raised to anybody
    """The device will not do this; `reason` is `busy`, `unsupported` or what stands in its way."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Device:
    """A device of protocol v1. Started once; `send` and the waits are safe from any thread.

    With `memory`, a file, the outbox outlives the object, as flash outlives a power cut.
    """

    def __init__(
        self,
        credentials: Credentials,
        clock: Clock | None = None,
        *,
        memory: Path | None = None,
        heartbeat_every_s: float = HEARTBEAT_EVERY_S,
        battery_percent: int = 100,
    ) -> None:
        self.credentials = credentials
        self.clock: Clock = clock or SystemClock()
        self.battery_percent = battery_percent
        self.config_version: int | None = None
        self.firmware = FIRMWARE
        self.config: Config | None = None
        self.heartbeats = 0
        self.expired_commands = 0
        self.unreadable_messages = 0
        self.connection = Connection(
            credentials,
            status=self._status,
            on_online=self._online,
            on_message=self._message,
        )
        self._memory = memory
        self._outbox = Outbox() if memory is None else outbox_file.load(memory)
        self._heartbeat_every_s = heartbeat_every_s
        phase = random.Random(credentials.device).random()  # a fleet does not beat in step
        self._heartbeat_due_s = self.clock.monotonic_s() + heartbeat_every_s * phase
        self._changed = threading.Condition()
        self._sent_at_s: dict[int, float] = {}
        self._answers: dict[int, float | None] = {}
        self._loop: Loop | None = None
        self._on_settled: Callable[[Settled], None] | None = None
        self._replies: deque[wire.Reply] = deque()
        self._reboots = False

    @property
    def id(self) -> str:
        return self.credentials.device

    @property
    def rejected(self) -> dict[int, str]:
        """Refused seqs and why."""
        with self._changed:
            return dict(self._outbox.rejected)

    @property
    def unacked(self) -> list[int]:
        """Seqs still owed, rising."""
        with self._changed:
            return [entry.seq for entry in self._outbox.owed]

    @property
    def resent(self) -> int:
        """How often an event was sent again."""
        return self._outbox.resent

    def start(self) -> None:
        """Connect and serve in a thread of its own."""
        loop = Loop(self.clock)
        self.join(loop)
        loop.start(f"device-{self.id}")

    def join(self, loop: Loop, on_settled: Callable[[Settled], None] | None = None) -> None:
        """Be driven by a loop that serves many devices."""
        self._on_settled = on_settled
        self._loop = loop
        loop.add(self)

    def stop(self) -> None:
        """Go offline politely. What is unacknowledged stays in the memory file, if any."""
        if self._loop is not None:
            self._loop.stop()

    def power_cut(self) -> None:
        """Vanish without a word: the broker publishes the last will."""
        if self._loop is not None:
            self._loop.stop(polite=False)

    def wait_online(self, timeout_s: float) -> bool:
        return self.connection.online.wait(timeout_s)

    def send(self, type: str, data: Mapping[str, Any] | None = None) -> int:  # noqa: A002
        """Owe an event to the backend from now on; return its seq."""
        with self._changed:
            entry = self._outbox.add(
                type, data, now=self.clock.now(), monotonic_s=self.clock.monotonic_s()
            )
            self._sent_at_s[entry.seq] = self.clock.monotonic_s()
            self._remember()
        if entry.kind is Kind.ALARM:
            self.connection.hurry()
        if self._loop is not None:
            self._loop.wake(self)
        return entry.seq

    def wait_acked(self, seq: int, timeout_s: float) -> float | None:
        """Return the milliseconds from `send` to the ack; None when refused or not in time."""
        with self._changed:
            self._changed.wait_for(lambda: seq in self._answers, timeout_s)
            return self._answers.get(seq)

    def tick(self, now_s: float) -> float:
        """Send what is due (the loop calls this); return when to look again."""
        self.connection.misc(now_s)
        if not self.connection.online.is_set():
            look_s = now_s + _LOOK_EVERY_S
            return look_s if self.connection.has_socket else self.connection.retry_at_s
        if now_s >= self._heartbeat_due_s:
            self._beat(now_s)
        while self._replies:
            self.connection.publish(Kind.REPLY, wire.encode(self._replies.popleft()), qos=1)
        if self._reboots:
            return self._reboot(now_s)
        with self._changed:
            due = self._outbox.due(now_s)
            next_due_s = self._outbox.next_due_s()
        for kind, payload in payloads(due):
            self.connection.publish(kind, payload, qos=1)
        look_s = min(now_s + _LOOK_EVERY_S, self._heartbeat_due_s)
        return look_s if next_due_s is None else min(look_s, next_due_s)

    def run_command(self, command: wire.Command) -> dict[str, Any] | None:
        """Do it and return the reply's data, None when `reply` follows; or raise `CannotDo`."""
        if command.type == "identify":
            return {"device": self.id, "fw": self.firmware}
        if command.type == "reboot":
            self._reboots = True
            return {}
        if command.type == "update":
            self.firmware = _update_of(command).version
            self._reboots = True
            return {"fw": self.firmware}
        raise CannotDo("unsupported", command.type)

    def reply(self, command_id: str, data: Mapping[str, Any], *, ok: bool = True) -> None:
        """Answer a command, or tell more of one already answered; safe from any thread."""
        self._replies.append(wire.Reply(command_id, ok, msgspec.Raw(msgspec.json.encode(data))))
        if self._loop is not None:
            self._loop.wake(self)

    def settled(self, settled: Settled) -> None:
        """An ack arrived; called with the device's lock held."""

    def _status(self) -> wire.Status:
        return wire.Status(
            online=True,
            fw=self.firmware,
            battery=self.battery_percent,
            rssi=-55,
            config_version=self.config_version,
        )

    def _beat(self, now_s: float) -> None:
        """A heartbeat speaks of this moment only: sent once, never owed."""
        self._heartbeat_due_s = now_s + self._heartbeat_every_s
        with self._changed:
            now = self.clock.now()
            event = wire.EventMessage(self._outbox.next_seq(now), "heartbeat", now)
            self._remember()
        if self.connection.publish(Kind.EVENT, wire.encode(event), qos=1):
            self.heartbeats += 1

    def _remember(self) -> None:
        if self._memory is not None:
            outbox_file.save(self._memory, self._outbox)

    def _online(self) -> None:
        with self._changed:
            self._outbox.reconnected(self.clock.monotonic_s())
        if self._loop is not None:
            self._loop.wake(self)

    def _message(self, kind: Kind, payload: bytes) -> None:
        try:
            if kind is Kind.ACK:
                self._acked(_ACK.decode(payload))
            elif kind is Kind.CMD:
                self._commanded(_COMMAND.decode(payload))
            else:
                self._configured(_CONFIG.decode(payload))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.unreadable_messages += 1
            _log.warning("%s: unreadable %s: %s", self.id, kind, error)

    def _acked(self, ack: wire.Ack) -> None:
        now_s = self.clock.monotonic_s()
        with self._changed:
            settled = self._outbox.acknowledge(ack)
            self._remember()
            for seq in settled.stored:
                self._answers[seq] = (now_s - self._sent_at_s.pop(seq, now_s)) * 1000.0
            for seq in settled.rejected:
                self._answers[seq] = None
                self._sent_at_s.pop(seq, None)
                _log.warning("%s: seq %d rejected: %s", self.id, seq, self._outbox.rejected[seq])
            while len(self._answers) > _KEPT_ANSWERS:
                del self._answers[next(iter(self._answers))]
            self.settled(settled)
            self._changed.notify_all()
        if self._on_settled is not None:
            self._on_settled(settled)

    def _commanded(self, command: wire.Command) -> None:
        if command.expires_at <= self.clock.now():
            self.expired_commands += 1
            return
        try:
            data = self.run_command(command)
        except CannotDo as error:
            self.reply(command.id, {"reason": error.reason, "detail": error.detail}, ok=False)
        else:
            if data is not None:
                self.reply(command.id, data)

    def _reboot(self, now_s: float) -> float:
        """Drop the session, as a restart does, and come back with `device.booted`."""
        self._reboots = False
        self.connection.farewell()
        self.connection.cut()
        self.connection.hurry()
        self.send("device.booted", {"fw": self.firmware})
        return now_s

    def _configured(self, config: Config) -> None:
        self.config, self.config_version = config, config.version
        self.connection.publish_status()
