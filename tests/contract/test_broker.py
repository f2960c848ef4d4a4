"""What we rely on in a broker, on each broker we support: nothing unacknowledged is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from core.ports import Message
from core.settings import BrokerAddress
from core.topics import Kind, Topic, wildcard
from gateway.mqtt import Session
from gateway.nats_config import REDELIVER_AFTER_S
from gateway.roles import service_username
from tests.contract.brokers import DEVICE, PASSWORD, mosquitto, nats

TOPIC = str(Topic(DEVICE, Kind.ALARM))


class Inbox:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._changed = threading.Condition()

    def take(self, messages: Sequence[Message]) -> None:
        with self._changed:
            self.messages += messages
            self._changed.notify_all()

    def wait(self, n: int, within_s: float = 30.0) -> list[Message]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.messages) >= n, within_s), self.messages
            return list(self.messages)

    def wait_for(self, payloads: set[bytes], within_s: float = 30.0) -> list[Message]:
        def all_came() -> bool:
            return payloads <= {message.payload for message in self.messages}

        with self._changed:
            assert self._changed.wait_for(all_came, within_s), self.messages
            return list(self.messages)


@pytest.fixture(params=[nats, mosquitto], ids=["nats", "mosquitto"])
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    broker: Callable[[Path], AbstractContextManager[int]] = request.param
    with broker(tmp_path) as listening:
        yield listening


def alarms(port: int) -> tuple[Session, Inbox]:
    inbox = Inbox()
    session = Session(
        [BrokerAddress(f"mqtt://127.0.0.1:{port}")],
        client_id=service_username("alarms"),
        username=service_username("alarms"),
        password=PASSWORD,
        durable=True,
        subscriptions=[(wildcard(Kind.ALARM), 1), (wildcard(Kind.FINDING_ALARM), 1)],
    )
    session.deliver_to(inbox.take)
    session.start()
    assert session.wait_ready(15)
    return session, inbox


@pytest.fixture
def device(port: int) -> Iterator[Session]:
    session = Session(
        [BrokerAddress(f"mqtt://127.0.0.1:{port}")],
        client_id=DEVICE,
        username=DEVICE,
        password=PASSWORD,
    )
    session.start()
    assert session.wait_ready(15)
    yield session
    session.stop()


def test_unacknowledged_messages_come_again_and_old_tokens_confirm_nobody(
    port: int, device: Session
) -> None:
    first, inbox = alarms(port)
    for body in (b"1", b"2"):
        device.publish(TOPIC, body, qos=1)
    held = inbox.wait(2)
    first.acknowledge(held[:1])
    first.stop()

    device.publish(TOPIC, b"3", qos=1)  # while nobody listens
    second, inbox = alarms(port)
    came = inbox.wait_for({b"2", b"3"})
    # NATS (2.15) loses an acknowledgement right before a good-bye now and then; what a session
    # that stays has acknowledged is over
    assert {message.payload for message in came} - {b"1"} == {b"2", b"3"}
    second.acknowledge(came)
    time.sleep(REDELIVER_AFTER_S + 0.5)
    second.acknowledge(inbox.messages[len(came) :])
    time.sleep(0.5)
    second.stop()

    third, inbox = alarms(port)
    device.publish(TOPIC, b"4", qos=1)
    assert [message.payload for message in inbox.wait(1)] == [b"4"]
    third.stop()


def test_a_token_of_an_earlier_connection_is_void(port: int, device: Session) -> None:
    session, inbox = alarms(port)
    device.publish(TOPIC, b"1", qos=1)
    (message,) = inbox.wait(1)
    stale = Message(message.topic, message.payload, (message.token or 0) - (1 << 16))
    session.acknowledge([stale])
    session.stop()
    again, inbox = alarms(port)
    assert [m.payload for m in inbox.wait(1)] == [b"1"], "the broker still owes it to us"
    again.acknowledge(inbox.messages)
    again.stop()


def test_a_retained_configuration_waits_for_its_reader(port: int, device: Session) -> None:
    topic = str(Topic(DEVICE, Kind.CONFIG))
    app = Session(
        [BrokerAddress(f"mqtt://127.0.0.1:{port}")],
        client_id=service_username("app"),
        username=service_username("app"),
        password=PASSWORD,
    )
    app.start()
    assert app.wait_ready(15)
    app.publish(topic, b'{"version":1}', qos=1, retain=True)
    app.publish(str(Topic(DEVICE, Kind.CMD)), b"{}")  # something behind it, to wait for
    detect = Session(
        [BrokerAddress(f"mqtt://127.0.0.1:{port}")],
        client_id=service_username("detect"),
        username=service_username("detect"),
        password=PASSWORD,
        subscriptions=[(wildcard(Kind.CONFIG), 1)],
    )
    inbox = Inbox()
    detect.deliver_to(inbox.take)
    detect.start()
    assert [m.payload for m in inbox.wait(1)] == [b'{"version":1}']
    detect.stop()
    app.stop()
