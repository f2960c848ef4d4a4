"""What processes side by side tell each other is heard, and forgotten in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from app.processes.peers import CARRIED_FOR_S, Peers
from core.ports import Message
from core.topics import ALARMS_HOLDING
from tests.conftest import ManualClock

KEY = ("button-1", "device", 7, datetime(2026, 11, 25, 3, 0, tzinfo=UTC))


def pair(clock: ManualClock) -> tuple[Peers, Peers]:
    heard: list[Callable[[Message], None]] = []

    def publish(topic: str, body: bytes) -> None:
        for hear in heard:
            hear(Message(topic, body))

    one, other = Peers("one", clock, publish), Peers("other", clock, publish)
    heard += [one.hear, other.hear]
    return one, other


def test_the_other_is_behind_while_one_holds_and_says_so(clock: ManualClock) -> None:
    one, other = pair(clock)
    one.took()
    assert other.behind()
    assert not one.behind()
    clock.advance(10)
    assert not other.behind()
    assert other.due()
    one.say_holding()
    assert not other.due()


def test_what_one_carries_the_other_leaves_alone_until_it_falls_silent(clock: ManualClock) -> None:
    one, other = pair(clock)
    one.say_carried([KEY])
    assert other.carried_elsewhere(KEY)
    assert not one.carried_elsewhere(KEY)
    assert not other.carried_elsewhere((*KEY[:2], 8, KEY[3]))
    clock.advance(CARRIED_FOR_S + 0.1)
    assert not other.carried_elsewhere(KEY)


def test_words_that_are_not_understood_end_nobody(clock: ManualClock) -> None:
    one, _ = pair(clock)
    one.hear(Message(ALARMS_HOLDING, b'{"of":"another version"}'))
    assert not one.behind()


def test_who_has_just_started_asks_and_waits_for_whom_holds_it(clock: ManualClock) -> None:
    one, other = pair(clock)
    one.ask()
    clock.advance(1)
    assert one.due(), "nobody answered"
    one.took()
    other.ask()
    one.say_holding()
    assert other.behind(), "answered before the usual word was due"
    clock.advance(1)
    assert not other.due()
    other.ask()
    assert not other.due(), "asked once"
