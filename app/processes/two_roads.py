"""Alarms by two roads, so that the death of a broker's node delays no SOS (docs/adr/0011).

The stored road is the durable session at QoS 1: the cluster keeps each message until it is
committed, but after the death of the node that led its store it delivers nothing until another is
elected, 4 to 9 s later. The direct road is a session at QoS 0 at every node: a node passes a
message on at once, before it is stored. What comes by both is one row.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from core.catalogue import Source
from core.clock import Clock
from core.errors import DecodeError
from core.ports import Message, Sink
from core.settings import Settings, broker_addresses
from core.topics import ALARM_LANE, DETECTOR_PUBLISHES, parse, wildcard
from core.wire import MAX_MESSAGE_BYTES, decode_events
from gateway.mqtt import Session
from gateway.roles import client_id, service_password, service_username

_ROLE = "alarms"
# Copies of one message arrive within milliseconds of each other; a device's next try comes after
# 2 s and must be answered again.
_COPIES_WITHIN_S = 1.0


class TwoRoads:
    """The bus of the alarm lane: answers go by whichever road stands, the stored one first."""

    def __init__(self, stored: Session, settings: Settings, clock: Clock) -> None:
        self._stored = stored
        self._clock = clock
        self._copies = Copies()
        user = service_username(_ROLE)
        self._direct = [
            Session(
                [address],
                client_id=client_id(settings.service_key, f"{user}-direct-{number}"),
                username=address.username or user,
                password=address.password or service_password(settings.service_key, _ROLE),
                ca_file=settings.broker_ca_file,
                pinned=settings.broker_pinned,
                subscriptions=[(wildcard(kind), 0) for kind in ALARM_LANE],
                receive=settings.receive,
                max_payload_bytes=MAX_MESSAGE_BYTES + 1,
            )
            for number, address in enumerate(broker_addresses(settings.broker), start=1)
        ]

    def deliver_to(self, sink: Sink) -> None:
        """Hand over what comes by either road; set before `start`.

        What cannot be read is judged, and counted, on the stored road alone.
        """
        self._stored.deliver_to(sink)

        def first_and_readable(messages: Sequence[Message]) -> None:
            now_s = self._clock.monotonic_s()
            new = [one for one in messages if self._copies.first(one, now_s) and readable(one)]
            if new:
                sink(new)

        for session in self._direct:
            session.deliver_to(first_and_readable)

    def start(self) -> None:
        for session in (self._stored, *self._direct):
            session.start()

    def stop(self) -> None:
        for session in (*self._direct, self._stored):
            session.stop()

    @property
    def standing(self) -> int:
        """How many sessions stand, of both roads; one more than the broker has nodes is all."""
        return sum(session.connected for session in (self._stored, *self._direct))

    @property
    def connected(self) -> bool:
        """Whether alarms reach us, by either road."""
        return self._standing().connected

    def _standing(self) -> Session:
        """Return a session that stands, the stored one if none does."""
        sessions = (self._stored, *self._direct)
        return next((session for session in sessions if session.connected), self._stored)

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Queue a message; raise `BrokerAway` when too many already wait."""
        self._standing().publish(topic, payload, qos=qos, retain=retain)

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Queue many (topic, payload) at QoS 0; raise `BrokerAway` when no road stands."""
        self._standing().publish_all(messages)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Confirm to the broker what came by the stored road."""
        self._stored.acknowledge(_owed(messages))

    def shed(self, messages: Sequence[Message]) -> None:
        """Give these up; what came by the stored road comes again."""
        self._stored.shed(_owed(messages))

    def ask_again(self) -> None:
        self._stored.ask_again()


class Copies:
    """Tells the first copy of a message from those that other nodes bring; safe from any thread."""

    def __init__(self) -> None:
        self._seen_s: dict[tuple[str, bytes], float] = {}
        self._lock = threading.Lock()

    def first(self, message: Message, now_s: float) -> bool:
        """Say whether no equal message came within the last second."""
        key = (message.topic, message.payload)
        with self._lock:
            while self._seen_s:  # in order of time: the oldest stands first
                oldest = next(iter(self._seen_s))
                if now_s - self._seen_s[oldest] < _COPIES_WITHIN_S:
                    break
                del self._seen_s[oldest]
            if key in self._seen_s:
                return False
            self._seen_s[key] = now_s
            return True


def readable(message: Message) -> bool:
    """Say whether the alarm lane will find nothing wrong with the form of a message."""
    try:
        topic = parse(message.topic)
    except DecodeError:
        return False
    source = Source.DETECTOR if topic.kind in DETECTOR_PUBLISHES else Source.DEVICE
    return not decode_events(message.payload, source=source, array=False).errors


def _owed(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message.token is not None]
