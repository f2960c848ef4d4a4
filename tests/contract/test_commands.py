"""Commands and replies: the same on a real broker with a real session, and in the fake."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core import wire
from core.clock import SystemClock
from core.commands import Outcome
from core.errors import BrokerAway
from core.ports import Commands, Message
from core.settings import BrokerAddress
from core.topics import Kind, Topic, wildcard
from gateway.commands import CommandLine
from gateway.mqtt import Session
from gateway.roles import service_username
from tests.contract.brokers import DEVICE, PASSWORD, nats
from tests.contract.fake_commands import FakeCommands

_COMMAND = msgspec.json.Decoder(wire.Command)
Replied = tuple[bool, dict[str, Any]] | None


def answers(command_id: str, type_: str, data: Mapping[str, Any]) -> Replied:
    """The device of these tests."""
    return {
        "identify": (True, {"heard": command_id, **data}),
        "talk.offer": (True, {"sdp": "v=0"}),
        "talk.answer": (False, {"reason": "busy"}),
        "reboot": (False, {"reason": "unsupported"}),
    }.get(type_)


@dataclass
class Line:
    """What is tested, and a way to let the device say more."""

    commands: Commands
    tell: Callable[[str, str, dict[str, Any]], None]  # device, command id, data


@contextmanager
def fake(_folder: Path) -> Iterator[Line]:
    one = FakeCommands({DEVICE: answers})
    yield Line(one, one.tell)


@contextmanager
def real(folder: Path) -> Iterator[Line]:
    with nats(folder) as port:
        address = [BrokerAddress(f"mqtt://127.0.0.1:{port}")]
        cmd = str(Topic(DEVICE, Kind.CMD))
        device = Session(
            address, client_id=DEVICE, username=DEVICE, password=PASSWORD,
            subscriptions=[(cmd, 0)],
        )  # fmt: skip
        app = service_username("app")
        session = Session(
            address, client_id=app, username=app, password=PASSWORD,
            subscriptions=[(wildcard(Kind.REPLY), 0)],
        )  # fmt: skip
        line = CommandLine(session, SystemClock())
        session.deliver_to(line.take)

        def reply(command_id: str, data: dict[str, Any], ok: bool = True) -> None:
            body = wire.Reply(command_id, ok, msgspec.Raw(msgspec.json.encode(data)))
            device.publish(str(Topic(DEVICE, Kind.REPLY)), wire.encode(body), qos=1)

        def take(messages: Sequence[Message]) -> None:
            for message in messages:
                command = _COMMAND.decode(message.payload)
                assert command.expires_at > datetime.now(UTC)
                replied = answers(command.id, command.type, msgspec.json.decode(command.data))
                if replied is not None:
                    reply(command.id, replied[1], replied[0])

        device.deliver_to(take)
        for one in (device, session):
            one.start()
            assert one.wait_ready(15)

        def tell(who: str, command_id: str, data: dict[str, Any]) -> None:
            if who == DEVICE:
                reply(command_id, data)
            else:  # no device may publish below another's root: the backend must not believe it
                body = wire.Reply(command_id, True, msgspec.Raw(msgspec.json.encode(data)))
                line.take([Message(str(Topic(who, Kind.REPLY)), wire.encode(body))])

        yield Line(line, tell)
        device.stop()
        session.stop()


@pytest.fixture(params=[fake, real], ids=["fake", "broker"])
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Line]:
    with request.param(tmp_path) as made:
        yield made


def test_what_the_device_did_comes_back(line: Line) -> None:
    answer = line.commands.ask(DEVICE, "identify", {"n": 7}, within_s=10)
    assert answer.outcome is Outcome.DONE
    assert answer.data == {"heard": answer.command_id, "n": 7}


def test_no_is_told_with_its_reason(line: Line) -> None:
    answer = line.commands.ask(DEVICE, "reboot", {}, within_s=10)
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "unsupported")
    assert line.commands.ask(DEVICE, "talk.answer", {}, within_s=10).outcome is Outcome.BUSY


def test_who_says_nothing_is_silent(line: Line) -> None:
    assert line.commands.ask(DEVICE, "siren.on", {}, within_s=0.2).outcome is Outcome.SILENT
    assert line.commands.ask("door-cam-2", "identify", {}, within_s=0.2).outcome is Outcome.SILENT


def test_a_device_may_tell_more_until_it_is_forgotten(line: Line) -> None:
    told: list[Mapping[str, Any]] = []
    heard = threading.Event()

    def later(data: Mapping[str, Any]) -> None:
        told.append(data)
        heard.set()

    answer = line.commands.ask(DEVICE, "talk.offer", {}, within_s=10, later=later)
    assert answer.data == {"sdp": "v=0"}
    line.tell("door-cam-2", answer.command_id, {"ended": "a stranger says so"})
    line.tell(DEVICE, answer.command_id, {"ended": "hung up"})
    assert heard.wait(10)
    line.commands.forget(answer.command_id)
    line.tell(DEVICE, answer.command_id, {"ended": "again"})
    # what comes on a session comes in order: this reply is behind the one that nobody awaits
    assert line.commands.ask(DEVICE, "identify", {}, within_s=10).outcome is Outcome.DONE
    assert told == [{"ended": "hung up"}]


def test_without_a_broker_nothing_is_claimed() -> None:
    session = Session(
        [BrokerAddress("mqtt://127.0.0.1:1")], client_id="a", username=None, password=None
    )
    with pytest.raises(BrokerAway):
        CommandLine(session, SystemClock()).ask(DEVICE, "identify", {}, within_s=5)


def test_replies_that_break_a_rule_are_dropped() -> None:
    line = CommandLine(
        Session([BrokerAddress("mqtt://127.0.0.1:1")], client_id="a", username=None, password=None),
        SystemClock(),
    )
    topic = str(Topic(DEVICE, Kind.REPLY))
    line.take([Message(topic, body) for body in (b"", b"\xff", b"[]", b'{"id":"","ok":true}')])
    line.take([Message("dg/v1/zz/nobody/reply", b"{}"), Message("elsewhere", b"{}")])
