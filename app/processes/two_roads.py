"""Alarms by two roads, so that neither a flood nor the death of a node or process delays one.

The stored road is the durable session at QoS 1: the broker keeps each message until it is
committed. But all events stand in the same stream, and an alarm waits behind them; and when the
node that led the store dies, nothing is delivered until another is elected. One process at a time
holds it. The direct road is a session at QoS 0 at every node, of every process: a node passes a
message on at once, before it is stored. What comes twice is one row (docs/adr/0011, 0016, 0021).
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable, Sequence

from app.processes.peers import PEER_TOPICS, Peers
from core.catalogue import Source
from core.clock import Clock
from core.errors import DecodeError
from core.ports import Message, Sink
from core.settings import Settings, broker_addresses
from core.topics import ALARM_LANE, ANSWERS_ASKED, DETECTOR_PUBLISHES, parse, wildcard
from core.wire import MAX_MESSAGE_BYTES, decode_events
from gateway.mqtt import Session
from gateway.roles import client_id, service_password, service_username

_ROLE = "alarms"
# Copies of one message arrive within milliseconds of each other; a device's next try comes after
# 2 s and must be answered again.
_COPIES_WITHIN_S = 1.0
# Of two processes the one that does not hold the stored session comes so much later: what the
# other has dealt with by then costs it a look, and the two do not wait for each other's rows.
BEHIND_S = 0.25
_TAKEN_WITHIN_S = 3.0
# A connection made anew at once is no loss; shorter than the session's own pause before another
# attempt (`gateway.failover`), so that two do not throw each other out by turns.
_GRACE_S = 0.5
_LOOK_EVERY_S = 0.1


class TwoRoads:
    """The bus of the alarm lane. `make_stored` returns a session that was not started yet."""

    def __init__(
        self, make_stored: Callable[[], Session], settings: Settings, clock: Clock
    ) -> None:
        self._make_stored = make_stored
        self._stored: Session | None = None
        self._clock = clock
        self._copies = Copies()
        self._sink: Sink = _nowhere
        self._on_question: Callable[[Message], None] = lambda _message: None
        self._late: queue.SimpleQueue[tuple[float, Sequence[Message]]] = queue.SimpleQueue()
        self._stop = threading.Event()
        user, name = service_username(_ROLE), secrets.token_hex(8)
        self._direct = [
            Session(
                [address],
                client_id=client_id(settings.service_key, f"{user}-direct-{name}-{number}"),
                username=address.username or user,
                password=address.password or service_password(settings.service_key, _ROLE),
                ca_file=settings.broker_ca_file,
                pinned=settings.broker_pinned,
                subscriptions=[
                    *((wildcard(kind), 0) for kind in ALARM_LANE),
                    *((topic, 0) for topic in (*PEER_TOPICS, ANSWERS_ASKED)),
                ],
                receive=settings.receive,
                max_payload_bytes=MAX_MESSAGE_BYTES + 1,
            )
            for number, address in enumerate(broker_addresses(settings.broker), start=1)
        ]
        self.peers = Peers(name, clock, lambda topic, body: self.publish_all([(topic, body)]))
        self._threads = [
            threading.Thread(target=self._take_turns, name="roads-turns"),
            threading.Thread(target=self._deliver_late, name="roads-late"),
        ]

    def deliver_to(self, sink: Sink) -> None:
        """Hand over what comes by either road; set before `start`.

        What cannot be read is judged, and counted, on the stored road alone.
        """
        self._sink = sink
        for session in self._direct:
            session.deliver_to(self._came_directly)

    def questions_to(self, hear: Callable[[Message], None]) -> None:
        """Hand over responders' answers that come by way of the app; set before `start`."""
        self._on_question = hear

    def start(self) -> None:
        for session in self._direct:
            session.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for session in (*self._direct, self._stored):
            if session is not None:
                session.stop()

    @property
    def standing(self) -> int:
        """How many sessions stand, of both roads; one more than the broker has nodes is all."""
        return sum(session.connected for session in self._sessions())

    @property
    def connected(self) -> bool:
        """Whether alarms reach us, by either road."""
        return self.standing > 0

    def _sessions(self) -> list[Session]:
        """Return the sessions, direct ones first.

        What goes by the stored one stands in line behind its acknowledgements.
        """
        return [one for one in (*self._direct, self._stored) if one is not None]

    def _standing(self) -> Session:
        """Return a session that stands, any if none does."""
        sessions = self._sessions()
        return next((session for session in sessions if session.connected), sessions[0])

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Queue a message; raise `BrokerAway` when too many already wait."""
        self._standing().publish(topic, payload, qos=qos, retain=retain)

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Queue many (topic, payload) at QoS 0; raise `BrokerAway` when no road stands."""
        self._standing().publish_all(messages)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Confirm to the broker what came by the stored road."""
        if self._stored is not None:
            self._stored.acknowledge(_owed(messages))

    def shed(self, messages: Sequence[Message]) -> None:
        """Give these up; what came by the stored road comes again."""
        if self._stored is not None:
            self._stored.shed(_owed(messages))

    def ask_again(self) -> None:
        if self._stored is not None:
            self._stored.ask_again()

    def _came_directly(self, messages: Sequence[Message]) -> None:
        now_s = self._clock.monotonic_s()
        new: list[Message] = []
        for one in messages:
            if one.topic in PEER_TOPICS:
                self.peers.hear(one)
            elif one.topic == ANSWERS_ASKED:
                self._on_question(one)
            elif self._copies.first(one, now_s) and readable(one):
                new.append(one)
        if not new:
            return
        if self.peers.behind():
            self._late.put((now_s + BEHIND_S, new))
        else:
            self._sink(new)

    def _deliver_late(self) -> None:
        while not self._stop.is_set():
            try:
                due_s, messages = self._late.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                continue
            self._stop.wait(max(0.0, due_s - self._clock.monotonic_s()))
            self._sink(messages)

    def _take_turns(self) -> None:
        """Hold the stored session while nobody else does."""
        stood_s = float("-inf")
        while not self._stop.wait(_LOOK_EVERY_S):
            if self.peers.holding:
                now_s = self._clock.monotonic_s()
                if self._stored is not None and self._stored.connected:
                    stood_s = now_s
                    self.peers.say_holding()
                elif now_s - stood_s > _GRACE_S:  # thrown out by another, or no broker
                    self._let_go()
            else:
                if self.standing:  # else nobody could answer
                    self.peers.ask()
                if self.peers.due():
                    self._take()

    def _take(self) -> None:
        self._stored = session = self._make_stored()
        session.deliver_to(self._sink)
        session.start()
        if session.wait_ready(_TAKEN_WITHIN_S):
            self.peers.took()
        else:
            self._let_go()

    def _let_go(self) -> None:
        session, self._stored = self._stored, None
        if session is not None:
            session.stop()
        self.peers.lost()


def _nowhere(_messages: Sequence[Message]) -> None:
    raise AssertionError("deliver_to comes before start")


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
