"""The table of moves: any sequence either is legal or changes nothing, and the log replays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import (
    CLOSED_STATES,
    MOVES,
    ON_THE_WAY,
    OPEN_STATES,
    Move,
    State,
    after,
    replay,
)
from core.errors import IllegalMove

ENDS = {
    Move.CLOSE: State.CLOSED,
    Move.MARK_FALSE: State.FALSE_ALARM,
    Move.MARK_TEST: State.TEST,
    Move.MARK_DUPLICATE: State.DUPLICATE,
    Move.CANCEL: State.CANCELLED,
}


@given(st.lists(st.sampled_from(Move), max_size=40))
def test_any_sequence_of_moves(moves: list[Move]) -> None:
    state, log = State.RAISED, [Move.OPEN]
    for move in moves:
        legal = move in MOVES[state]
        try:
            following = after(state, move)
        except IllegalMove:
            assert not legal
            continue
        assert legal
        if state in CLOSED_STATES and move is not Move.REOPEN:
            assert following is state
        state = following
        log.append(move)
    assert replay(log) is state


@given(st.lists(st.sampled_from(Move), max_size=12))
def test_a_log_that_could_not_be_is_refused(log: list[Move]) -> None:
    try:
        state = replay(log)
    except IllegalMove:
        return
    assert log[0] is Move.OPEN
    assert log.count(Move.OPEN) == 1
    turns = [move for move in log if move in ENDS or move is Move.REOPEN]
    assert all((move is Move.REOPEN) == bool(n % 2) for n, move in enumerate(turns))
    assert (state in CLOSED_STATES) == (len(turns) % 2 == 1)


def test_the_table_knows_every_state() -> None:
    assert set(MOVES) == set(State)
    assert set(State) == OPEN_STATES | CLOSED_STATES


@pytest.mark.parametrize("state", sorted(OPEN_STATES))
@pytest.mark.parametrize("move", ENDS)
def test_every_open_state_may_end(state: State, move: Move) -> None:
    assert after(state, move) is ENDS[move]


@pytest.mark.parametrize("state", sorted(CLOSED_STATES))
def test_from_the_end_only_reopening_leads_back(state: State) -> None:
    assert set(MOVES[state]) == {Move.NOTE, Move.SENT, Move.REOPEN}
    assert after(state, Move.REOPEN) is State.ACKNOWLEDGED
    for move in ENDS:
        with pytest.raises(IllegalMove, match=state):
            after(state, move)


@pytest.mark.parametrize("state", sorted(OPEN_STATES))
def test_nothing_an_operator_acknowledges_falls_back(state: State) -> None:
    if state in (State.RAISED, State.ACKNOWLEDGED, State.VERIFYING):
        assert after(State.RAISED, Move.ACKNOWLEDGE) is State.ACKNOWLEDGED
    else:
        assert after(state, Move.ACKNOWLEDGE) is state


def test_the_usual_road() -> None:
    road = [Move.OPEN, Move.DISPATCH, Move.PAGE, Move.SENT, Move.ACKNOWLEDGE, Move.UNANSWERED]
    assert replay(road) is State.DISPATCHED
    there = [*road, Move.ACCEPT, Move.DEPART, Move.ARRIVE]
    assert [replay(there[:n]) for n in range(7, 10)] == [
        State.ACCEPTED,
        State.EN_ROUTE,
        State.ARRIVED,
    ]
    assert replay([*there, Move.CLOSE]) is State.CLOSED
    assert replay([*there, Move.CLOSE, Move.REOPEN, Move.MARK_TEST]) is State.TEST
    with pytest.raises(IllegalMove):
        replay([Move.OPEN, Move.ACCEPT])
    with pytest.raises(IllegalMove):
        replay([])


def test_an_operator_looks_before_anybody_is_sent() -> None:
    road = [Move.OPEN, Move.ACKNOWLEDGE, Move.VERIFY]
    assert replay(road) is State.VERIFYING
    assert replay([*road, Move.DISPATCH, Move.VERIFY]) is State.DISPATCHED
    assert replay([*road, Move.RING]) is State.RAISED
    with pytest.raises(IllegalMove):
        replay([Move.OPEN, Move.VERIFY])


@pytest.mark.parametrize("state", sorted(ON_THE_WAY))
def test_who_is_awaited_gives_it_back_or_is_overdue(state: State) -> None:
    assert after(state, Move.WITHDRAW) is State.DISPATCHED
    assert after(state, Move.OVERDUE) is State.DISPATCHED
    assert after(state, Move.ARRIVE) is State.ARRIVED
