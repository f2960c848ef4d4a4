"""The session against a broker that breaks connections: no PUBACK outside a standing session."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Literal

import pytest

from core.clock import SystemClock
from core.errors import BrokerAway, ConfigurationError
from core.ports import Message
from core.settings import BrokerAddress
from gateway.mqtt import Session
from tests.unit.gateway.scripted_broker import (
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBLISH,
    SUBSCRIBE,
    Connection,
    ScriptedBroker,
    publish,
)

WITHIN_S = 10.0


class FastClock(SystemClock):
    """Every connection of a test stood long enough to count."""

    def monotonic_s(self) -> float:
        return super().monotonic_s() * 1000


class Inbox:
    """What a session handed over; `arrived` is released once a message."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.arrived = threading.Semaphore(0)

    def take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.messages.append(message)
            self.arrived.release()

    def wait(self, n: int) -> list[Message]:
        for _ in range(n):
            assert self.arrived.acquire(timeout=WITHIN_S)
        return self.messages[-n:]


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    made = ScriptedBroker()
    yield made
    made.close()


@pytest.fixture(params=["bulk", "plain"])
def receive(request: pytest.FixtureRequest) -> Literal["bulk", "plain"]:
    way: Literal["bulk", "plain"] = request.param
    return way


def session_at(
    *ports: int, receive: Literal["bulk", "plain"] = "bulk", keepalive_s: int = 15
) -> tuple[Session, Inbox]:
    inbox = Inbox()
    session = Session(
        [BrokerAddress(f"mqtt://127.0.0.1:{port}") for port in ports],
        client_id="svc-test",
        username=None,
        password=None,
        durable=True,
        subscriptions=[("t", 1)],
        receive=receive,
        keepalive_s=keepalive_s,
        clock=FastClock(),
    )
    session.deliver_to(inbox.take)
    session.start()
    return session, inbox


def welcomed(broker: ScriptedBroker) -> Connection:
    """Accept a connection and its subscription."""
    peer = broker.accept(WITHIN_S)
    assert peer.next()[0] == CONNECT, "CONNECT comes first"
    peer.send(b"\x20\x02\x00\x00")
    kind, body = peer.next()
    assert kind == SUBSCRIBE
    peer.send(b"\x90\x03" + body[:2] + b"\x01")
    return peer


def test_no_acknowledgement_leaves_between_two_connections(
    broker: ScriptedBroker, receive: Literal["bulk", "plain"]
) -> None:
    session, inbox = session_at(broker.port, receive=receive)
    peer = welcomed(broker)
    peer.send(publish(b"t", b"x", packet_id=7))
    inbox.wait(1)
    over = threading.Event()

    def acknowledge() -> None:  # without a pause, as a lane with a backlog would
        while not over.is_set():
            session.acknowledge(list(inbox.messages))

    lane = threading.Thread(target=acknowledge)
    lane.start()
    try:
        for packet_id in (7, 8, 9):
            assert peer.next() == (PUBACK, packet_id.to_bytes(2))
            peer.close()
            peer = welcomed(broker)
            assert session.wait_ready(WITHIN_S)
            peer.send(publish(b"t", b"y", packet_id=packet_id + 1))
            inbox.wait(1)
        assert peer.next() == (PUBACK, b"\x00\x0a")
    finally:
        over.set()
        lane.join()
        session.stop()
    # ids 7 to 10 were acknowledged again and again by their old tokens: nothing of it left
    assert [kind for kind, _ in peer.rest()] == [DISCONNECT]


def test_what_was_held_through_a_reconnection_is_taken_again_under_a_new_token(
    broker: ScriptedBroker, receive: Literal["bulk", "plain"]
) -> None:
    session, inbox = session_at(broker.port, receive=receive)
    peer = welcomed(broker)
    peer.send(publish(b"t", b"x", packet_id=7) + publish(b"t", b"y", packet_id=8))
    held = inbox.wait(2)
    peer.close()
    peer = welcomed(broker)
    assert session.wait_ready(WITHIN_S)
    session.acknowledge(held)
    peer.send(publish(b"t", b"y", packet_id=8, dup=True))
    again = inbox.wait(1)
    session.acknowledge([*held, *again])
    assert peer.next() == (PUBACK, b"\x00\x08"), "of 7 this connection knows nothing"
    session.stop()
    assert peer.rest() == [(DISCONNECT, b"")]


def test_a_backlog_that_comes_with_the_connack_is_acknowledged(
    broker: ScriptedBroker, receive: Literal["bulk", "plain"]
) -> None:
    session, inbox = session_at(broker.port, receive=receive)
    peer = broker.accept(WITHIN_S)
    assert peer.next()[0] == CONNECT
    backlog = [publish(b"t", bytes([n]), packet_id=n, dup=True) for n in (1, 2, 3)]
    peer.send(b"\x20\x02\x01\x00" + b"".join(backlog))
    messages = inbox.wait(3)
    assert [m.payload for m in messages] == [b"\x01", b"\x02", b"\x03"]
    session.acknowledge(messages)
    assert not session.connected, "not subscribed yet"
    got = [peer.next() for _ in range(4)]
    assert [body for kind, body in got if kind == PUBACK] == [b"\x00\x01", b"\x00\x02", b"\x00\x03"]
    session.stop()


def test_a_copy_is_dropped_and_what_was_shed_is_taken_again(
    broker: ScriptedBroker, receive: Literal["bulk", "plain"]
) -> None:
    session, inbox = session_at(broker.port, receive=receive)
    peer = welcomed(broker)
    peer.send(publish(b"t", b"a", packet_id=1) + publish(b"t", b"b", packet_id=2))
    first, second = inbox.wait(2)
    session.shed([first])
    for packet_id, body in ((1, b"a"), (2, b"b")):
        peer.send(publish(b"t", body, packet_id=packet_id, dup=True))
    peer.send(publish(b"t", b"c", packet_id=3))
    again, third = inbox.wait(2)
    assert (again.payload, third.payload) == (b"a", b"c")
    session.acknowledge([first, again, second, third])
    assert [peer.next()[1] for _ in range(3)] == [b"\x00\x01", b"\x00\x02", b"\x00\x03"]
    assert session.received == 4
    session.stop()


def test_ask_again_makes_the_connection_anew_only_where_something_was_shed(
    broker: ScriptedBroker, receive: Literal["bulk", "plain"]
) -> None:
    session, inbox = session_at(broker.port, receive=receive)
    peer = welcomed(broker)
    assert session.wait_ready(WITHIN_S)
    session.ask_again()  # nothing was shed
    peer.send(publish(b"t", b"a", packet_id=1) + publish(b"t", b"b", packet_id=2))
    *shed, stored = inbox.wait(2)
    session.shed(shed)
    session.acknowledge([stored])
    began_s = time.monotonic()
    session.ask_again()
    assert peer.next() == (PUBACK, b"\x00\x02"), "what is stored is not sent again"
    assert peer.next() == (DISCONNECT, b"")
    peer.close()
    peer = welcomed(broker)
    assert time.monotonic() - began_s < 0.9, "at once, not after the back-off"
    assert broker.connections == 2
    peer.send(publish(b"t", b"a", packet_id=1, dup=True))
    (again,) = inbox.wait(1)
    session.acknowledge([*shed, again])
    assert peer.next() == (PUBACK, b"\x00\x01")
    session.stop()


def test_publish_all_comes_whole_and_in_order(
    broker: ScriptedBroker, receive: Literal["bulk", "plain"]
) -> None:
    session, _ = session_at(broker.port, receive=receive)
    peer = welcomed(broker)
    assert session.wait_ready(WITHIN_S)
    messages = [(f"dg/{n}", bytes([n % 256]) * n) for n in range(0, 3000, 7)]
    session.publish_all(messages)
    for topic, payload in messages:
        kind, body = peer.next()
        assert kind == PUBLISH
        assert body == len(topic).to_bytes(2) + topic.encode() + payload
    session.stop()


def test_publish_all_needs_a_connection(receive: Literal["bulk", "plain"]) -> None:
    nobody = [BrokerAddress("mqtt://127.0.0.1")]
    session = Session(nobody, client_id="x", username=None, password=None, receive=receive)
    with pytest.raises(BrokerAway, match="no connection"):
        session.publish_all([("t", b"")])


def test_publish_all_is_bounded(broker: ScriptedBroker) -> None:
    session, _ = session_at(broker.port)
    welcomed(broker)  # and reads no more
    assert session.wait_ready(WITHIN_S)
    with pytest.raises(ValueError, match="no topic"):
        session.publish_all([("a/#", b"")])
    megabyte = [("t", bytes(1 << 20))]
    with pytest.raises(BrokerAway, match="bytes wait"):
        for _ in range(100):
            session.publish_all(megabyte)
    broker.close()
    session.stop()


def test_the_next_node_is_tried_at_once(receive: Literal["bulk", "plain"]) -> None:
    one, two = ScriptedBroker(), ScriptedBroker()
    session, inbox = session_at(one.port, two.port, receive=receive)
    welcomed(one).close()
    peer = welcomed(two)
    peer.send(publish(b"t", b"x", packet_id=1))
    session.acknowledge(inbox.wait(1))
    assert peer.next() == (PUBACK, b"\x00\x01")
    two.close()
    peer.close()
    welcomed(one)
    session.stop()
    one.close()


def test_a_node_that_falls_silent_is_left_and_one_that_answers_pings_is_kept(
    receive: Literal["bulk", "plain"],
) -> None:
    one, two = ScriptedBroker(), ScriptedBroker()
    session, inbox = session_at(one.port, two.port, receive=receive, keepalive_s=1)
    peer = welcomed(one)
    for _ in range(2):
        assert peer.next()[0] == PINGREQ
        peer.send(b"\xd0\x00")
    peer.send(publish(b"t", b"x", packet_id=1))
    inbox.wait(1)
    assert (one.connections, two.connections) == (1, 0)
    assert peer.next()[0] == PINGREQ  # and no answer
    welcomed(two)
    session.stop()
    one.close()
    two.close()


def test_one_end_of_a_connection_told_twice_counts_once() -> None:
    """It is what paho does when a ping stays unanswered."""
    session = Session(
        [BrokerAddress(f"mqtt://127.0.0.{n}") for n in (1, 2, 3)],
        client_id="x",
        username=None,
        password=None,
    )
    lost = SimpleNamespace(is_failure=True)
    session._begin()
    for _ in range(2):
        session._disconnected(None, None, None, lost, None)
    assert session._node == 1


def test_bytes_that_are_no_mqtt_end_the_connection(broker: ScriptedBroker) -> None:
    session, inbox = session_at(broker.port)
    peer = welcomed(broker)
    peer.send(publish(b"t", b"x", packet_id=1) + b"\x32\x04\x00\xff\x00\x00")
    inbox.wait(1)
    welcomed(broker)
    session.stop()


def test_what_cannot_be_is_refused() -> None:
    nodes = [BrokerAddress("mqtt://a"), BrokerAddress("mqtts://b")]
    for addresses in ([], nodes):
        with pytest.raises(ConfigurationError, match="broker"):
            Session(addresses, client_id="x", username=None, password=None)
    with pytest.raises(ValueError, match="QoS"):
        Session(nodes[:1], client_id="x", username=None, password=None, subscriptions=[("t", 2)])


def test_a_bug_in_the_sink_ends_the_process(
    broker: ScriptedBroker, receive: Literal["bulk", "plain"], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: queue.Queue[int] = queue.Queue()
    monkeypatch.setattr("gateway.mqtt.os._exit", ended.put)

    def sink(_messages: Sequence[Message]) -> None:
        raise AttributeError("paho would take it for a lost connection")

    session, _ = session_at(broker.port, receive=receive)
    session.deliver_to(sink)
    peer = welcomed(broker)
    peer.send(publish(b"t", b"x", packet_id=1))
    assert ended.get(timeout=WITHIN_S) == 70
    session.stop()
