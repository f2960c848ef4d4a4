"""The device's memory of what it still owes: an event stays until its `seq` stands in an `ack`.

Pure state, no I/O and no clock: times come in as arguments. A retry carries the same `seq` and
the same `at`, hence the same bytes. `seq` is microseconds since the epoch, but never at or below
one already given, so that a clock that steps back cannot reuse an identity.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from core import wire
from core.errors import ConfigurationError
from core.topics import Kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ALARM_TYPES = frozenset(
    {
        "sos.pressed",
        "sos.cancelled",
        "sos.test",
        "duress.pressed",
        "door.forced",
        "tamper.opened",
        "tamper.restored",
    }
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds between tries: `every_s` three times, then doubling up to `cap_s`."""

    every_s: float
    cap_s: float

    def wait_s(self, tries: int) -> float:
        """Return the seconds to wait after the `tries`-th try (from 1)."""
        return min(self.cap_s, self.every_s * 2.0 ** min(max(0, tries - 3), 30))


# Protocol v1: alarms every 2 s, events every 10 s, backing off. The caps are ours: an alarm held
# back by a fault is at most half a minute late once the fault is over, an event two minutes.
SCHEDULES = {Kind.ALARM: Schedule(2.0, 30.0), Kind.EVENT: Schedule(10.0, 120.0)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event that is owed; `data` is the JSON object as bytes, `at` aware UTC."""

    seq: int
    kind: Kind
    type: str
    at: datetime
    data: bytes

    def encode(self) -> bytes:
        """Return the event's JSON, the same at every try."""
        return wire.encode(
            wire.EventMessage(self.seq, self.type, self.at, msgspec.Raw(self.data), ack=True)
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """What one `ack` changed: seqs that were owed and are not any more."""

    stored: tuple[int, ...]
    rejected: tuple[int, ...]


@dataclass(slots=True)
class _Owed:
    entry: Entry
    due_s: float
    tries: int = 0


class Outbox:
    """Events owed to the backend, and when each is tried next (monotonic seconds)."""

    def __init__(self) -> None:
        self.last_seq = -1
        self.rejected: dict[int, str] = {}
        self.resent = 0
        self._owed: dict[int, _Owed] = {}

    def __len__(self) -> int:
        return len(self._owed)

    @property
    def owed(self) -> list[Entry]:
        """What is still unacknowledged, in order of `seq`."""
        return [owed.entry for owed in self._owed.values()]

    def next_seq(self, now: datetime) -> int:
        """Give out a number: microseconds since the epoch, always above the last one."""
        self.last_seq = max(self.last_seq + 1, (now - _EPOCH) // timedelta(microseconds=1))
        return self.last_seq

    def add(
        self,
        type: str,  # noqa: A002 - the wire's name
        data: Mapping[str, Any] | None,
        *,
        now: datetime,
        monotonic_s: float,
    ) -> Entry:
        """Owe a new event that happens at `now`; it is due at once."""
        entry = Entry(
            seq=self.next_seq(now),
            kind=Kind.ALARM if type in ALARM_TYPES else Kind.EVENT,
            type=type,
            at=now.astimezone(UTC),
            data=msgspec.json.encode(dict(data or {})),
        )
        self._owed[entry.seq] = _Owed(entry, monotonic_s)
        return entry

    def due(self, monotonic_s: float) -> list[Entry]:
        """Return what is to be sent now, alarms first, and plan the next try of each."""
        due = [owed for owed in self._owed.values() if owed.due_s <= monotonic_s]
        for owed in due:
            self.resent += owed.tries > 0
            owed.tries += 1
            owed.due_s = monotonic_s + SCHEDULES[owed.entry.kind].wait_s(owed.tries)
        return sorted((owed.entry for owed in due), key=lambda e: (e.kind != Kind.ALARM, e.seq))

    def next_due_s(self) -> float | None:
        """Return when something is due next, or None when nothing is owed."""
        return min((owed.due_s for owed in self._owed.values()), default=None)

    def reconnected(self, monotonic_s: float) -> None:
        """A new session: everything is due, with the schedule from its beginning."""
        for owed in self._owed.values():
            owed.due_s = monotonic_s
            owed.tries = min(owed.tries, 1)

    def acknowledge(self, ack: wire.Ack) -> Settled:
        """Forget what the backend has stored or refused; seqs that are not owed change nothing."""
        stored = tuple(seq for seq in ack.stored if self._owed.pop(seq, None) is not None)
        rejected = []
        for refusal in ack.rejected:
            if self._owed.pop(refusal.seq, None) is not None:
                self.rejected[refusal.seq] = refusal.reason
                rejected.append(refusal.seq)
        return Settled(stored, tuple(rejected))

    def dump(self) -> bytes:
        """Return everything a power cut must not take, as JSON."""
        owed = [
            {
                "seq": entry.seq,
                "kind": entry.kind.value,
                "type": entry.type,
                "at": entry.at.isoformat(),
                "data": json.loads(entry.data),
            }
            for entry in self.owed
        ]
        return msgspec.json.encode({"last_seq": self.last_seq, "owed": owed})

    @classmethod
    def restore(cls, dumped: bytes) -> Outbox:
        """Rebuild from `dump`; all of it is due at once. Raise `ConfigurationError` on damage."""
        outbox = cls()
        try:
            state = json.loads(dumped)
            outbox.last_seq = int(state["last_seq"])
            for row in state["owed"]:
                entry = Entry(
                    seq=int(row["seq"]),
                    kind=Kind(row["kind"]),
                    type=str(row["type"]),
                    at=datetime.fromisoformat(row["at"]),
                    data=msgspec.json.encode(row["data"]),
                )
                outbox._owed[entry.seq] = _Owed(entry, float("-inf"))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"the outbox cannot be read: {error!r}") from error
        return outbox


def payloads(entries: Iterable[Entry]) -> list[tuple[Kind, bytes]]:
    """Pack entries into messages: an alarm alone, events in arrays within the protocol's limits.

    Returns (kind, payload) in the order to send.
    """
    messages: list[tuple[Kind, bytes]] = []
    pack: list[bytes] = []
    size = 0
    for entry in entries:
        encoded = entry.encode()
        if entry.kind is Kind.ALARM:
            messages.append((Kind.ALARM, encoded))
            continue
        if len(pack) == wire.MAX_EVENTS or size + len(encoded) + 2 > wire.MAX_MESSAGE_BYTES:
            messages.append((Kind.EVENT, _array(pack)))
            pack, size = [], 0
        pack.append(encoded)
        size += len(encoded) + 1
    if pack:
        messages.append((Kind.EVENT, _array(pack)))
    return messages


def _array(pack: list[bytes]) -> bytes:
    return pack[0] if len(pack) == 1 else b"[" + b",".join(pack) + b"]"
