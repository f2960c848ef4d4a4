"""The door's day from its events: nothing is claimed that lock and bell do not say."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from households.passages import EVENTS, DoorEvent, Passage, Passed, passages
from tests.conftest import NOON


def at(seconds: float) -> object:
    return NOON + timedelta(seconds=seconds)


def day(*events: tuple[float, str] | tuple[float, str, bytes]) -> list[Passage]:
    return passages(DoorEvent(at(event[0]), *event[1:]) for event in events)


def told(*events: tuple[float, str] | tuple[float, str, bytes]) -> list[tuple[Passed, str]]:
    return [(passage.what, passage.who) for passage in day(*events)]


KEY = b'{"method":"pin","user":"kim"}'


def test_coming_home_names_whose_key_it_was() -> None:
    (came,) = day((0, "door.unlocked", KEY), (2, "door.opened"), (9, "door.closed"))
    assert came == Passage(at(2), Passed.CAME, who="kim", method="pin", until=at(9))


def test_opening_from_inside_is_going_out() -> None:
    assert told((0, "door.opened"), (4, "door.closed")) == [(Passed.WENT, "")]


def test_a_door_that_was_unlocked_and_stayed_shut_is_no_coming_home() -> None:
    assert told((0, "door.unlocked", KEY), (61, "door.opened")) == [(Passed.WENT, "")]


def test_a_key_opens_once() -> None:
    assert told(
        (0, "door.unlocked", KEY), (2, "door.opened"), (5, "door.closed"), (8, "door.opened")
    ) == [(Passed.CAME, "kim"), (Passed.WENT, "")]


def test_who_rings_is_let_in_or_stays_outside() -> None:
    assert told((0, "bell.pressed"), (5, "bell.pressed"), (20, "door.opened")) == [
        (Passed.LET_IN, "")
    ]
    assert told((0, "bell.pressed"), (300, "door.opened")) == [(Passed.RANG, ""), (Passed.WENT, "")]


def test_who_comes_home_while_somebody_rings_came_home() -> None:
    assert told((0, "bell.pressed"), (5, "door.unlocked", KEY), (6, "door.opened")) == [
        (Passed.RANG, ""),
        (Passed.CAME, "kim"),
    ]


def test_a_loiterer_has_a_beginning_and_an_end() -> None:
    (stayed,) = day((0, "loiter.started"), (40, "loiter.ended"))
    assert stayed == Passage(at(0), Passed.STAYED, until=at(40))


def test_a_lock_that_names_nobody_is_believed_no_further() -> None:
    assert told((0, "door.unlocked", b'{"user":7}'), (1, "door.opened")) == [(Passed.CAME, "")]


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1000),
            st.sampled_from(EVENTS),
            st.sampled_from([b"{}", KEY, b'{"method":null}']),
        )
    )
)
def test_any_day_is_told_in_order_and_every_opening_once(events) -> None:
    events = sorted(events, key=lambda event: event[0])
    lines = day(*events)
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    opened = sum(event[1] == "door.opened" for event in events)
    through = {Passed.CAME, Passed.WENT, Passed.LET_IN}
    assert sum(line.what in through for line in lines) == opened
