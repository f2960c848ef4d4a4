"""Of the copies of an alarm that several nodes bring, the first goes on."""

from __future__ import annotations

import json

from app.processes.two_roads import Copies, readable
from core.ports import Message
from core.topics import Kind, Topic

AT = "2026-11-22T10:00:00Z"


def test_the_first_copy_goes_on_and_a_later_try_too() -> None:
    copies = Copies()
    press = Message("dg/v1/00/button-1/alarm", b'{"seq":1}')
    assert copies.first(press, 10.0)
    assert not copies.first(press, 10.01)
    assert copies.first(Message(press.topic, b'{"seq":2}'), 10.02)
    assert copies.first(Message("dg/v1/00/button-2/alarm", press.payload), 10.02)
    assert not copies.first(press, 10.99)
    assert copies.first(press, 12.0), "a device's next try wants an answer of its own"


def test_only_what_can_be_read_takes_the_direct_road() -> None:
    alarm = str(Topic("button-1", Kind.ALARM))
    finding = str(Topic("button-1", Kind.FINDING_ALARM))
    press = {"seq": 1, "type": "sos.pressed", "at": AT, "of_another_make": True}
    found = {"seq": 1, "type": "loiter.started", "at": AT}
    assert readable(Message(alarm, json.dumps(press).encode()))
    assert readable(Message(finding, json.dumps(found).encode()))
    assert not readable(Message(alarm, json.dumps([press]).encode())), "one event a message"
    assert not readable(Message(alarm, json.dumps(found).encode())), "a device finds no loiterers"
    assert not readable(Message(alarm, b"\xff\x00"))
    assert not readable(Message("dg/v1/zz/button-1/alarm", json.dumps(press).encode()))
    assert not readable(Message("elsewhere", json.dumps(press).encode()))


def test_what_is_past_is_forgotten() -> None:
    copies = Copies()
    for number in range(1000):
        copies.first(Message("t", str(number).encode()), number * 0.1)
    assert len(copies._seen_s) <= 11
