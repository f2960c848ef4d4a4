"""Receiving in bulk and one by one, on each broker we support: order, redelivery, backlog, size."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import pytest

from app.embedded.broker import server_binary
from app.embedded.ports import free_port
from core.errors import BrokerAway
from core.ports import Message
from core.settings import BrokerAddress
from core.topics import Kind, Topic, wildcard
from gateway.mqtt import Session, forget_session
from gateway.nats_config import MAX_PAYLOAD_BYTES, REDELIVER_AFTER_S, Listener, render
from gateway.registry import bcrypt_hash
from gateway.roles import ROLES, service_username
from tests.contract.brokers import DEVICE, PASSWORD, mosquitto, nats, running
from tests.contract.test_broker import Inbox

ALARM, EVENT = str(Topic(DEVICE, Kind.ALARM)), str(Topic(DEVICE, Kind.EVENT))
WITHIN_S = 15.0
Way = Literal["bulk", "plain"]


@pytest.fixture(params=[nats, mosquitto], ids=["nats", "mosquitto"])
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    broker: Callable[[Path], AbstractContextManager[int]] = request.param
    with broker(tmp_path) as listening:
        yield listening


@pytest.fixture(params=["bulk", "plain"])
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


def at(port: int) -> list[BrokerAddress]:
    return [BrokerAddress(f"mqtt://127.0.0.1:{port}")]


def listener(
    addresses: Sequence[BrokerAddress],
    way: Way = "bulk",
    *,
    kinds: Sequence[Kind] = (Kind.ALARM,),
    keepalive_s: int = 15,
    ca_file: str | None = None,
) -> tuple[Session, Inbox]:
    inbox = Inbox()
    name = service_username("alarms" if Kind.ALARM in kinds else "ingest")
    session = Session(
        addresses,
        client_id=name,
        username=name,
        password=PASSWORD,
        durable=True,
        subscriptions=[(wildcard(kind), 1) for kind in kinds],
        receive=way,
        keepalive_s=keepalive_s,
        ca_file=ca_file,
    )
    session.deliver_to(inbox.take)
    session.start()
    assert session.wait_ready(WITHIN_S)
    return session, inbox


def device_at(addresses: Sequence[BrokerAddress], ca_file: str | None = None) -> Session:
    session = Session(
        addresses, client_id=DEVICE, username=DEVICE, password=PASSWORD, ca_file=ca_file
    )
    session.start()
    assert session.wait_ready(WITHIN_S)
    return session


@pytest.fixture
def device(port: int) -> Iterator[Session]:
    session = device_at(at(port))
    yield session
    session.stop()


def bodies(messages: Sequence[Message]) -> list[bytes]:
    return [message.payload for message in messages]


def test_a_backlog_comes_in_order_is_acknowledged_and_does_not_come_again(
    port: int, way: Way, device: Session
) -> None:
    sent = [b"%d" % n for n in range(1000)]
    listener(at(port), way)[0].stop()
    for body in sent:
        device.publish(ALARM, body, qos=1)
    session, inbox = listener(at(port), way)
    done = 0
    while done < len(sent):
        messages = inbox.wait(done + 1)[done:]
        session.acknowledge(messages)
        done += len(messages)
    assert bodies(inbox.messages) == sent
    assert session.received == len(sent)
    # Mosquitto takes one packet of a connection at a time, and drops the rest when the next
    # connection of the session comes first; `stop` waits for this one, behind all others
    session.publish(str(Topic(DEVICE, Kind.ACK)), b"{}", qos=1)
    session.stop()
    session, inbox = listener(at(port), way)
    device.publish(ALARM, b"last", qos=1)
    assert bodies(inbox.wait(1)) == [b"last"]
    session.stop()


def test_what_was_shed_comes_when_asked_for(port: int, device: Session) -> None:
    session, inbox = listener(at(port))
    for n in range(4):
        device.publish(ALARM, b"%d" % n, qos=1)
    held = inbox.wait(4)
    session.acknowledge(held[:1])
    session.shed(held[1:3])
    session.ask_again()  # without it Mosquitto never sends them; NATS does after its own time
    came = inbox.wait(7)[4:]
    assert sorted(bodies(came)) == [b"1", b"2", b"3"], "and what it held under an older token"
    session.acknowledge([*held, *came])
    session.stop()
    session, inbox = listener(at(port))
    device.publish(ALARM, b"last", qos=1)
    assert bodies(inbox.wait(1)) == [b"last"]
    session.stop()


def test_a_forgotten_session_owes_nothing(port: int, device: Session) -> None:
    session, _ = listener(at(port))
    session.stop()
    device.publish(ALARM, b"for nobody", qos=1)
    name = service_username("alarms")
    forget_session(at(port), client_id=name, username=name, password=PASSWORD)
    session, inbox = listener(at(port))
    device.publish(ALARM, b"new", qos=1)
    assert bodies(inbox.wait(1)) == [b"new"]
    session.stop()


def test_a_session_that_cannot_be_forgotten_is_named() -> None:
    with pytest.raises(BrokerAway, match="svc-x"):
        forget_session(
            at(free_port()), client_id="svc-x", username=None, password=None, timeout_s=0.2
        )


def test_an_idle_connection_is_kept(port: int, device: Session) -> None:
    session, inbox = listener(at(port), keepalive_s=3)  # paho looks at its timers once a second
    time.sleep(5.5)  # the broker hangs up after 1.5 keep-alive periods without a sign
    assert session.connected
    device.publish(ALARM, b"1", qos=1)
    session.acknowledge(inbox.wait(1))
    session.stop()


def test_the_largest_message(port: int, way: Way, device: Session) -> None:
    body = bytes(range(256)) * (MAX_PAYLOAD_BYTES // 256)
    body = body[: len(body) - len(ALARM) - 64]  # NATS counts the topic and its own head with it
    session, inbox = listener(at(port), way)
    device.publish(ALARM, body, qos=1)
    device.publish(ALARM, b"behind it", qos=1)
    came = inbox.wait(2)
    assert bodies(came) == [body, b"behind it"]
    session.acknowledge(came)
    session.stop()


def test_publish_all_reaches_every_device(port: int, way: Way) -> None:
    inbox = Inbox()
    device = Session(
        at(port),
        client_id=DEVICE,
        username=DEVICE,
        password=PASSWORD,
        subscriptions=[(str(Topic(DEVICE, Kind.ACK)), 0)],
    )
    device.deliver_to(inbox.take)
    device.start()
    assert device.wait_ready(WITHIN_S)
    session, _ = listener(at(port), way)
    sent = [b"%d" % n * 50 for n in range(2000)]
    session.publish_all([(str(Topic(DEVICE, Kind.ACK)), body) for body in sent])
    assert bodies(inbox.wait(len(sent))) == sent
    session.stop()
    device.stop()


def test_on_nats_a_copy_of_what_is_held_is_dropped(tmp_path: Path) -> None:
    """The database is away for longer than the broker waits: memory stays flat."""
    with nats(tmp_path) as port:
        device = device_at(at(port))
        session, inbox = listener(at(port))
        for n in range(3):
            device.publish(ALARM, b"%d" % n, qos=1)
        held = inbox.wait(3)
        session.shed(held[:1])  # tells when the copies have come
        assert bodies(inbox.wait(4, within_s=REDELIVER_AFTER_S + WITHIN_S)[3:]) == [b"0"]
        device.publish(ALARM, b"behind the copies", qos=1)
        assert bodies(inbox.wait(5)[4:]) == [b"behind the copies"]
        session.acknowledge(inbox.messages)
        session.stop()
        device.stop()


def test_the_second_node_takes_over(tmp_path: Path, way: Way) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with nats(tmp_path / "two") as second:
        with nats(tmp_path / "one") as first:
            nodes = [*at(first), *at(second)]
            session, inbox = listener(nodes, way)
        device = device_at(at(second))
        assert session.wait_ready(WITHIN_S)
        device.publish(ALARM, b"1", qos=1)
        assert bodies(inbox.wait(1)) == [b"1"]
        session.acknowledge(inbox.messages)
        session.stop()
        device.stop()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate")
def test_large_blocks_over_tls(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )  # fmt: skip
    port, hashed = free_port(), bcrypt_hash(PASSWORD)
    config = tmp_path / "nats.json"
    config.write_text(
        render(
            listener=Listener("127.0.0.1", port, str(cert), str(key)),
            store_folder=str(tmp_path / "jetstream"),
            services=dict.fromkeys(ROLES, hashed),
            devices=[(DEVICE, hashed)],
        )
    )
    node = [BrokerAddress(f"mqtts://localhost:{port}")]
    sent = [b"%d" % n * 100 for n in range(500)] + [bytes(1 << 20), b"last"]
    with running([server_binary(), "-c", str(config)], port):
        device = device_at(node, str(cert))
        session, inbox = listener(node, ca_file=str(cert))
        for body in sent:
            device.publish(ALARM, body, qos=1)
        came = inbox.wait(len(sent))
        assert bodies(came) == sent
        session.acknowledge(came)
        session.shed(inbox.messages)  # nothing is left to shed
        session.ask_again()
        assert session.connected
        device.publish(ALARM, b"again", qos=1)
        session.shed(inbox.wait(len(sent) + 1)[-1:])
        session.ask_again()
        device.publish(ALARM, b"on the next connection", qos=1)
        # what was shed comes again, before it or after
        last = bodies(inbox.wait(len(sent) + 3))[-2:]
        assert sorted(last) == [b"again", b"on the next connection"]
        session.stop()
        device.stop()
