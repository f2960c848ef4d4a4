"""The bus of a lane that is fed by several sessions: each message goes back where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.ports import Message
from core.topics import Kind
from gateway.mqtt import Session
from ingest.sharing.layout import Share
from ingest.sharing.reader import Reader

_PART = slice(6, 8)  # of `dg/v1/{part}/…`
_EVENTS = f"/{Kind.EVENT}"


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A share that this worker holds."""

    share: Share
    session: Session
    reader: Reader


class ShareBus:
    """Publishes through the worker's own session; acknowledges through those of the shares.

    A message of a share that is no longer held is nobody's: its token means nothing to any other
    session (tokens are unique in a process), and the broker sends it again to the new holder.
    """

    def __init__(self, control: Session) -> None:
        self._control = control
        self._slots: tuple[Slot, ...] = ()
        self._by_part: dict[str, Slot] = {}
        self._aside: Slot | None = None
        self._first: Slot | None = None

    def hold(self, slots: Iterable[Slot]) -> None:
        """From now on these are held; from the worker's thread."""
        slots = tuple(slots)
        self._by_part = {f"{part:02x}": slot for slot in slots for part in slot.share.partitions}
        self._aside = next((slot for slot in slots if slot.share.aside), None)
        self._first = next((slot for slot in slots if slot.share.index == 0), None)
        self._slots = slots

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Queue a message; raise `BrokerAway` when too many already wait."""
        self._control.publish(topic, payload, qos=qos, retain=retain)

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Queue many at QoS 0; raise `BrokerAway`."""
        self._control.publish_all(messages)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker that these are safe with us."""
        for slot, part in self._sorted(messages):
            slot.session.acknowledge(part)

    def shed(self, messages: Sequence[Message]) -> None:
        """Give these up, and what stands behind them."""
        for slot, part in self._sorted(messages):
            slot.session.shed(part)
            slot.reader.overtaken()

    def ask_again(self) -> None:
        """Have the broker send again what was shed."""
        for slot in self._slots:
            if slot.reader.owed:
                slot.session.ask_again()

    def _sorted(self, messages: Sequence[Message]) -> list[tuple[Slot, Sequence[Message]]]:
        by_part, first, aside = self._by_part, self._first, self._aside
        parts: dict[Slot, list[Message]] = {}
        for message in messages:
            topic = message.topic
            slot = by_part.get(topic[_PART], first) if topic.endswith(_EVENTS) else aside
            if slot is not None:
                parts.setdefault(slot, []).append(message)
        return list(parts.items())
