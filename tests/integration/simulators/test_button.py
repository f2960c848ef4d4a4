from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from core.topics import Kind
from simulators.button import Button
from simulators.device import Device
from tests.integration.simulators.conftest import make_credentials

pytestmark = pytest.mark.integration

ID = "button-1"


@pytest.fixture
def button(broker):
    button = Button(make_credentials(ID, broker.port))
    button.start()
    assert button.wait_online(10)
    yield button
    button.stop()


def statuses(backend):
    return [json.loads(payload)["online"] for payload in backend.of(ID, Kind.STATUS)]


def test_the_lamp_lights_on_the_backends_ack_not_on_the_brokers(backend, button):
    backend.acking = False
    seq = button.press()
    assert backend.wait(lambda: backend.received)
    assert not button.lamp.lit
    backend.acking = True
    assert button.wait_acked(seq, 10) > 1000  # by the retry two seconds after the press
    assert button.lamp.lit
    assert button.lamp.acked_at is not None
    assert len({(event.seq, event.at) for _, event in backend.received}) == 1
    assert button.unacked == []


def test_a_press_is_acknowledged_at_once_and_a_new_one_puts_the_lamp_out(backend, button):
    assert button.wait_acked(button.press("sos.test"), 10) < 1000
    assert button.lamp.lit
    backend.acking = False
    button.press()
    assert not button.lamp.lit


def test_a_refusal_ends_the_wait_and_is_recorded(backend, button):
    backend.refusing = "household"
    seq = button.press()
    assert button.wait_acked(seq, 10) is None
    assert button.rejected == {seq: "household"}
    assert not button.lamp.lit


def test_a_press_while_the_broker_is_away_arrives_when_it_is_back(broker, backend, button):
    broker.stop()
    seq = button.press()
    assert button.wait_acked(seq, 0.5) is None
    broker.start()
    assert button.wait_acked(seq, 30) is not None
    assert backend.stored[ID].keys() == {seq}


def test_a_power_cut_publishes_the_will_and_forgets_nothing(broker, backend, tmp_path):
    memory = tmp_path / "button.json"
    backend.acking = False
    first = Button(make_credentials(ID, broker.port), memory=memory)
    first.start()
    assert first.wait_online(10)
    seq = first.press(data={"room": "bath"})
    assert backend.wait(lambda: backend.received)
    first.power_cut()
    assert backend.wait(lambda: statuses(backend)[-1] is False)

    backend.acking = True
    second = Button(make_credentials(ID, broker.port), memory=memory)
    second.start()
    assert second.wait_acked(seq, 10) is not None
    assert bytes(backend.stored[ID][seq].data) == b'{"room":"bath"}'
    assert second.press() > seq
    second.stop()
    assert backend.wait(lambda: statuses(backend) == [True, False, True, False])


def test_commands_are_answered_and_expired_ones_ignored(backend, button):
    now = datetime.now(UTC)
    later = now + timedelta(seconds=30)
    backend.command(ID, id="old", type="identify", expires_at=now - timedelta(seconds=1))
    backend.command(ID, id="c1", type="identify", expires_at=later)
    backend.command(ID, id="c2", type="siren.on", expires_at=later)
    backend.down(ID, Kind.CMD, b"{not json")
    backend.command(ID, id="c3", type="identify", expires_at=later)
    assert backend.wait(lambda: len(backend.of(ID, Kind.REPLY)) == 3)
    replies = [json.loads(payload) for payload in backend.of(ID, Kind.REPLY)]
    assert [(reply["id"], reply["ok"]) for reply in replies] == [
        ("c1", True),
        ("c2", False),
        ("c3", True),
    ]
    assert button.expired_commands == 1
    assert button.unreadable_messages == 1


def test_a_configuration_is_confirmed_by_its_version(backend, button):
    backend.down(ID, Kind.CONFIG, b'{"version": 7, "zones": []}', retain=True)

    def confirmed():
        versions = [json.loads(p)["config_version"] for p in backend.of(ID, Kind.STATUS)]
        return versions[-1:] == [7]

    assert backend.wait(confirmed)


def test_heartbeats_come_by_themselves_and_are_never_owed(broker, backend):
    device = Device(make_credentials(ID, broker.port), heartbeat_every_s=0.05)
    device.start()
    assert backend.wait(lambda: len(backend.received) >= 3)
    assert {(event.type, event.ack) for _, event in backend.received} == {("heartbeat", False)}
    assert device.unacked == []
    device.stop()
