"""The life of an incident, as a table of legal moves.

    raised ─acknowledge─▶ acknowledged ─verify─▶ verifying
       └────────────────────────┴──────dispatch──────┴─▶ dispatched
    dispatched ─accept─▶ accepted ─depart─▶ en_route ─arrive─▶ arrived
        └◀─────withdraw, overdue─┴─────────────┘                  │
        └◀──────────────────────resend────────────────────────────┘
    any open state ─▶ closed | false_alarm | test | duplicate | cancelled ─reopen─▶ acknowledged

Rules that stand above the table:

- `dispatched` means that somebody is being sent for; it begins with the first page. An operator
  may acknowledge, or begin to verify, before or after: who and when are columns, the state does
  not fall back.
- A late alarm for a life takes an acknowledgement back (`ring`); only then does the state fall
  back, from `acknowledged` or `verifying` to `raised`.
- Every open state may end, with a disposition; the only way back is to reopen, which puts the
  incident into the hands of who does.
- Moves that keep the state (a second press, a page, a note …) are in the table as well, so that
  the log alone replays to the state, and a line nobody may write is refused here.
- A page that was in flight when the incident closed is still logged as sent; notes may follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from core.errors import IllegalMove


class State(StrEnum):
    """Where an incident stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    VERIFYING = "verifying"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    CLOSED = "closed"  # it was genuine
    FALSE_ALARM = "false_alarm"  # with its cause (`alerts.dispositions`)
    TEST = "test"
    DUPLICATE = "duplicate"  # of another incident
    CANCELLED = "cancelled"


class Move(StrEnum):
    """What happened to an incident; one line of its log each."""

    OPEN = "open"  # the first line of every log, never again
    ACKNOWLEDGE = "acknowledge"
    TAKE_OVER = "take_over"  # another operator has it in hand from now on
    VERIFY = "verify"  # an operator looks, listens or telephones
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    DEPART = "depart"
    WITHDRAW = "withdraw"  # the only responder on the way gave it back
    ARRIVE = "arrive"
    CLOSE = "close"
    MARK_FALSE = "mark_false"
    MARK_TEST = "mark_test"
    MARK_DUPLICATE = "mark_duplicate"
    CANCEL = "cancel"
    REOPEN = "reopen"
    JOIN = "join"
    PAGE = "page"
    SENT = "sent"
    UNDELIVERED = "undelivered"  # no channel can reach the responder
    UNANSWERED = "unanswered"
    DECLINE = "decline"
    ESCALATE = "escalate"  # everybody was asked; the next round begins
    NOBODY = "nobody"  # nobody on shift can be paged
    RESTORE = "restore"
    NOTE = "note"
    RING = "ring"  # alarmed again long after the acknowledgement, which is taken back
    RESEND = "resend"  # alarmed again after the arrival: somebody is sent for anew
    BREACH = "breach"  # who accepted will not be there in time; others are asked beside
    OVERDUE = "overdue"  # who accepted is not there in time: somebody else is sent for
    INFORM = "inform"  # who is on the way is told that it is worse; or the home of what is seen
    UPGRADE = "upgrade"  # a rule made it more urgent, or an incident of another kind
    WRONG_WORD = "wrong_word"  # somebody tried to cancel and did not know the code word
    DURESS = "duress"  # cancelled with the duress code: in truth raised
    ASSESS = "assess"  # an operator raised or lowered the validation level
    FINDING = "finding"  # what a responder found at the door
    HAND_OVER = "hand_over"  # a step of the call to police, fire or the counselling line
    FALLBACK = "fallback"  # ranking failed; whoever can be paged is


class PageState(StrEnum):
    """Where one page to one responder stands."""

    PLANNED = "planned"
    SENT = "sent"
    UNANSWERED = "unanswered"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    DONE = "done"  # has told what was found, and left
    DECLINED = "declined"
    FAILED = "failed"
    STOOD_DOWN = "stood_down"


BEING_ASKED = frozenset({PageState.PLANNED, PageState.SENT})
MAY_STILL_ANSWER = BEING_ASKED | {PageState.UNANSWERED}
ON_THE_JOB = frozenset({PageState.ACCEPTED, PageState.ARRIVED})
ENDED = frozenset({PageState.DECLINED, PageState.STOOD_DOWN, PageState.DONE})

_ENDS = {
    Move.CLOSE: State.CLOSED,
    Move.MARK_FALSE: State.FALSE_ALARM,
    Move.MARK_TEST: State.TEST,
    Move.MARK_DUPLICATE: State.DUPLICATE,
    Move.CANCEL: State.CANCELLED,
}
ENDING_MOVES = frozenset(_ENDS)
CLOSED_STATES = frozenset(_ENDS.values())
OPEN_STATES = frozenset(State) - CLOSED_STATES

ON_THE_WAY = frozenset({State.ACCEPTED, State.EN_ROUTE})
UNSENT = frozenset({State.RAISED, State.ACKNOWLEDGED, State.VERIFYING})
ANSWERED = ON_THE_WAY | {State.ARRIVED}

_KEEP_WHILE_OPEN = (
    Move.JOIN,
    Move.PAGE,
    Move.SENT,
    Move.UNDELIVERED,
    Move.UNANSWERED,
    Move.DECLINE,
    Move.ESCALATE,
    Move.NOBODY,
    Move.RESTORE,
    Move.NOTE,
    Move.INFORM,
    Move.UPGRADE,
    Move.ASSESS,
    Move.WRONG_WORD,
    Move.DURESS,
    Move.FALLBACK,
    Move.FINDING,
    Move.HAND_OVER,
)


def _open(state: State, moves: dict[Move, State]) -> dict[Move, State]:
    return {**dict.fromkeys(_KEEP_WHILE_OPEN, state), **_ENDS, **moves}


def _over(state: State) -> dict[Move, State]:
    return {Move.NOTE: state, Move.SENT: state, Move.REOPEN: State.ACKNOWLEDGED}


def _sending(state: State, moves: dict[Move, State]) -> dict[Move, State]:
    """An open state in which somebody is sent for: what an operator does beside it keeps it."""
    beside = (Move.ACKNOWLEDGE, Move.TAKE_OVER, Move.VERIFY, Move.DISPATCH, Move.RING)
    return _open(state, {**dict.fromkeys(beside, state), **moves})


MOVES: dict[State, dict[Move, State]] = {
    State.RAISED: _open(
        State.RAISED,
        {Move.ACKNOWLEDGE: State.ACKNOWLEDGED, Move.DISPATCH: State.DISPATCHED},
    ),
    State.ACKNOWLEDGED: _open(
        State.ACKNOWLEDGED,
        {
            Move.TAKE_OVER: State.ACKNOWLEDGED,
            Move.VERIFY: State.VERIFYING,
            Move.DISPATCH: State.DISPATCHED,
            Move.RING: State.RAISED,
        },
    ),
    State.VERIFYING: _open(
        State.VERIFYING,
        {
            Move.TAKE_OVER: State.VERIFYING,
            Move.DISPATCH: State.DISPATCHED,
            Move.RING: State.RAISED,
        },
    ),
    # Who was given up as overdue may arrive all the same.
    State.DISPATCHED: _sending(
        State.DISPATCHED,
        {Move.ACCEPT: State.ACCEPTED, Move.ARRIVE: State.ARRIVED},
    ),
    # Dispatch and accept from here on are a second responder whom the operator asked for.
    State.ACCEPTED: _sending(
        State.ACCEPTED,
        {
            Move.ACCEPT: State.ACCEPTED,
            Move.DEPART: State.EN_ROUTE,
            Move.BREACH: State.ACCEPTED,
            Move.WITHDRAW: State.DISPATCHED,
            Move.OVERDUE: State.DISPATCHED,
            Move.ARRIVE: State.ARRIVED,
        },
    ),
    State.EN_ROUTE: _sending(
        State.EN_ROUTE,
        {
            Move.ACCEPT: State.EN_ROUTE,
            Move.DEPART: State.EN_ROUTE,
            Move.BREACH: State.EN_ROUTE,
            Move.WITHDRAW: State.DISPATCHED,
            Move.OVERDUE: State.DISPATCHED,
            Move.ARRIVE: State.ARRIVED,
        },
    ),
    State.ARRIVED: _sending(
        State.ARRIVED,
        {
            Move.ACCEPT: State.ARRIVED,
            Move.DEPART: State.ARRIVED,
            Move.ARRIVE: State.ARRIVED,
            Move.RESEND: State.DISPATCHED,
        },
    ),
    **{state: _over(state) for state in sorted(CLOSED_STATES)},
}


def after(state: State, move: Move) -> State:
    """Return the state that follows; raise `IllegalMove`."""
    try:
        return MOVES[state][move]
    except KeyError:
        raise IllegalMove(
            f"{move} is not possible: the incident is {state}", "incident.move", state=state
        ) from None


def replay(moves: Iterable[Move]) -> State:
    """Return the state to which a log leads; raise `IllegalMove` where it could not have gone."""
    state: State | None = None
    for move in moves:
        if state is None:
            if move is not Move.OPEN:
                raise IllegalMove(f"a log begins with {Move.OPEN}, not with {move}")
            state = State.RAISED
        else:
            state = after(state, move)
    if state is None:
        raise IllegalMove("an empty log leads nowhere")
    return state
