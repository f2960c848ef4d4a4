"""The life of an incident, as a table of legal moves.

    raised ─acknowledge─▶ acknowledged ─dispatch─▶ dispatched ─accept─▶ en_route ─arrive─▶ arrived
       └───────────dispatch────────────────────────▲   └◀──withdraw──────┘            │
                                                       └◀──overdue───────┘            │
                                                       └◀──resend─────────────────────┘

Rules that stand above the table:

- `dispatched` means that somebody is being sent for; it begins with the first page. An operator
  may acknowledge before or after: who and when are columns, the state does not fall back.
- A late alarm for a life takes an acknowledgement back (`ring`); only then does the state fall
  back, from `acknowledged` to `raised`.
- Every open state may be closed, marked false or cancelled; from there no way leads back.
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
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    CLOSED = "closed"
    FALSE_ALARM = "false_alarm"
    CANCELLED = "cancelled"


class Move(StrEnum):
    """What happened to an incident; one line of its log each."""

    OPEN = "open"  # the first line of every log, never again
    ACKNOWLEDGE = "acknowledge"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    WITHDRAW = "withdraw"  # the only responder on the way gave it back
    ARRIVE = "arrive"
    CLOSE = "close"
    MARK_FALSE = "mark_false"
    CANCEL = "cancel"
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
    OVERDUE = "overdue"  # who accepted is not there in time: somebody else is sent for
    FALLBACK = "fallback"  # ranking failed; whoever can be paged is


class PageState(StrEnum):
    """Where one page to one responder stands."""

    PLANNED = "planned"
    SENT = "sent"
    UNANSWERED = "unanswered"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    DECLINED = "declined"
    FAILED = "failed"
    STOOD_DOWN = "stood_down"


BEING_ASKED = frozenset({PageState.PLANNED, PageState.SENT})
MAY_STILL_ANSWER = BEING_ASKED | {PageState.UNANSWERED}
ON_THE_JOB = frozenset({PageState.ACCEPTED, PageState.ARRIVED})

CLOSED_STATES = frozenset({State.CLOSED, State.FALSE_ALARM, State.CANCELLED})
OPEN_STATES = frozenset(State) - CLOSED_STATES

_ENDS = {
    Move.CLOSE: State.CLOSED,
    Move.MARK_FALSE: State.FALSE_ALARM,
    Move.CANCEL: State.CANCELLED,
}
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
    Move.FALLBACK,
)


def _open(state: State, moves: dict[Move, State]) -> dict[Move, State]:
    return {**dict.fromkeys(_KEEP_WHILE_OPEN, state), **_ENDS, **moves}


def _over(state: State) -> dict[Move, State]:
    return {Move.NOTE: state, Move.SENT: state}


MOVES: dict[State, dict[Move, State]] = {
    State.RAISED: _open(
        State.RAISED,
        {Move.ACKNOWLEDGE: State.ACKNOWLEDGED, Move.DISPATCH: State.DISPATCHED},
    ),
    State.ACKNOWLEDGED: _open(
        State.ACKNOWLEDGED,
        {Move.DISPATCH: State.DISPATCHED, Move.RING: State.RAISED},
    ),
    # Who was given up as overdue may arrive all the same.
    State.DISPATCHED: _open(
        State.DISPATCHED,
        {
            Move.ACKNOWLEDGE: State.DISPATCHED,
            Move.DISPATCH: State.DISPATCHED,
            Move.ACCEPT: State.EN_ROUTE,
            Move.ARRIVE: State.ARRIVED,
            Move.RING: State.DISPATCHED,
        },
    ),
    # Dispatch and accept from here on are a second responder whom the operator asked for.
    State.EN_ROUTE: _open(
        State.EN_ROUTE,
        {
            Move.ACKNOWLEDGE: State.EN_ROUTE,
            Move.DISPATCH: State.EN_ROUTE,
            Move.ACCEPT: State.EN_ROUTE,
            Move.WITHDRAW: State.DISPATCHED,
            Move.OVERDUE: State.DISPATCHED,
            Move.RING: State.EN_ROUTE,
            Move.ARRIVE: State.ARRIVED,
        },
    ),
    State.ARRIVED: _open(
        State.ARRIVED,
        {
            Move.ACKNOWLEDGE: State.ARRIVED,
            Move.DISPATCH: State.ARRIVED,
            Move.ACCEPT: State.ARRIVED,
            Move.ARRIVE: State.ARRIVED,
            Move.RESEND: State.DISPATCHED,
            Move.RING: State.ARRIVED,
        },
    ),
    State.CLOSED: _over(State.CLOSED),
    State.FALSE_ALARM: _over(State.FALSE_ALARM),
    State.CANCELLED: _over(State.CANCELLED),
}


def after(state: State, move: Move) -> State:
    """Return the state that follows; raise `IllegalMove`."""
    try:
        return MOVES[state][move]
    except KeyError:
        raise IllegalMove(f"{move} is not possible: the incident is {state}") from None


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
