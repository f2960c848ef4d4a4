"""The table of moves: any sequence either is legal or changes nothing, and the log replays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import CLOSED_STATES, MOVES, OPEN_STATES, Move, State, after, replay
from core.errors import IllegalMove

ENDS = {
    Move.CLOSE: State.CLOSED,
    Move.MARK_FALSE: State.FALSE_ALARM,
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
        if state in CLOSED_STATES:
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
    ends = [move for move in log if move in ENDS]
    assert len(ends) <= 1
    assert (state in CLOSED_STATES) == bool(ends)


def test_the_table_knows_every_state() -> None:
    assert set(MOVES) == set(State)
    assert set(State) == OPEN_STATES | CLOSED_STATES


@pytest.mark.parametrize("state", sorted(OPEN_STATES))
@pytest.mark.parametrize("move", ENDS)
def test_every_open_state_may_end(state: State, move: Move) -> None:
    assert after(state, move) is ENDS[move]


@pytest.mark.parametrize("state", sorted(CLOSED_STATES))
def test_from_the_end_no_way_leads_back(state: State) -> None:
    assert set(MOVES[state]) == {Move.NOTE, Move.SENT}
    for move in ENDS:
        with pytest.raises(IllegalMove, match=state):
            after(state, move)


@pytest.mark.parametrize("state", sorted(OPEN_STATES))
def test_nothing_an_operator_acknowledges_falls_back(state: State) -> None:
    if state in (State.RAISED, State.ACKNOWLEDGED):
        assert after(State.RAISED, Move.ACKNOWLEDGE) is State.ACKNOWLEDGED
    else:
        assert after(state, Move.ACKNOWLEDGE) is state


def test_the_usual_road() -> None:
    road = [Move.OPEN, Move.DISPATCH, Move.PAGE, Move.SENT, Move.ACKNOWLEDGE, Move.UNANSWERED]
    assert replay(road) is State.DISPATCHED
    assert replay([*road, Move.ACCEPT, Move.ARRIVE, Move.CLOSE]) is State.CLOSED
    with pytest.raises(IllegalMove):
        replay([Move.OPEN, Move.ACCEPT])
    with pytest.raises(IllegalMove):
        replay([])
