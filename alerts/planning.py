"""Who is paged next, and the rows that make it so: page, deliveries, timer, log line.

All on shift are asked one after the other, nearest first; when everybody was asked, the next
round begins with everybody again and a longer time to answer. While an incident waits for an
acceptance, either a page or a timer `repage` is always pending, so that it cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.audit import Detail
from alerts.crew import asked_lately, asked_of, busy_states, read_crew
from alerts.grouping import joins_flood
from alerts.lifecycle import ANSWERED, BEING_ASKED, ON_THE_JOB, UNSENT, Move
from alerts.policy import SYNTHETIC
from alerts.positions import forget_incident
from alerts.ranking import Ranked
from alerts.responders import ADDRESSES
from alerts.transition import SYSTEM, Incident, apply
from core import sql
from core.catalogue import Priority
from core.database import Connection
from core.errors import Conflict, NotFound
from core.settings import Settings

LONGEST_ANSWER_S = 60.0
# Below life safety the next channel is used when this one has brought no answer.
CHANNELS_APART = timedelta(seconds=5)
SHORTEST_ANSWER_S = 5.0  # to answer at all
REPAGE_AFTER_S = 15.0
TIMERS = (
    "page_unanswered",
    "auto_dispatch",
    "repage",
    "step",
    "no_arrival",
    "arrival_check",
    "rules",
)
_QUERIES = sql.load("alerts")


@dataclass(frozen=True, slots=True)
class Next:
    """What came of looking for the next responder.

    `page_id` is None when nobody was paged: nobody is on shift, or somebody may still answer.
    """

    incident: Incident
    page_id: int | None
    nobody: bool = False


def answer_window_s(answer_within_s: float, round_: int) -> float:
    """Return the seconds a responder has in this round: doubled each round, up to 60 s."""
    longer = answer_within_s * 2.0 ** min(round_ - 1, 6)
    return min(longer, max(LONGEST_ANSWER_S, answer_within_s))


def answer_by(
    answer_within_s: float, round_: int, now: datetime, off_at: datetime | None
) -> datetime:
    """Return until when a responder is waited for: this round's time, or the end of their duty."""
    full = now + timedelta(seconds=answer_window_s(answer_within_s, round_))
    if off_at is None:
        return full
    return min(full, max(off_at, now + timedelta(seconds=SHORTEST_ANSWER_S)))


def wants_next(incident: Incident, planned_at: datetime) -> bool:
    """Return whether a page planned then, and come to nothing, is followed by the next.

    Not when somebody accepted. Below life safety an operator's acknowledgement takes paging into
    the operator's hands: only pages that the operator asked for afterwards go on by themselves.
    """
    if incident.state in ANSWERED or incident.closed:
        return False
    if incident.priority == Priority.LIFE_SAFETY or incident.acknowledged_at is None:
        return True
    return planned_at >= incident.acknowledged_at


def channels_of(row: dict[str, Any]) -> list[str]:
    """Return the names of the channels that reach a responder, in the order of use.

    `row` is one of `responders`.
    """
    if row["responder_id"] == SYNTHETIC:
        return ["loopback"]
    there = [name for name, address in ADDRESSES.items() if row[address]]
    ordered = [name for name in row["channels"] if name in there]
    return ordered or there


def page_next(
    conn: Connection,
    incident: Incident,
    *,
    now: datetime,
    settings: Settings,
    actor: str = SYSTEM,
    new_round: bool,
    afresh: bool = False,
) -> Next:
    """Page the nearest who was not asked in this round.

    When everybody was asked, the next round begins: at once if `new_round`, else after a while
    (a responder whose pager fails, or who just declined, is not asked again in the same breath).
    `afresh` begins the next round whoever was asked in this one. A fault in a technical flood waits
    for the one that was paged, unless an operator wants it.
    """
    waiting_for = joins_flood(conn, incident, now=now) if actor == SYSTEM else None
    if waiting_for is not None:
        return Next(waiting_for, None)
    asked = asked_of(conn, incident)
    current = max((page.round for page in asked), default=1)
    crew = read_crew(conn, incident, settings.timezone, now=now)
    ranked = [] if afresh else crew.rank(asked_lately(asked, incident, current), now)
    if not ranked:
        again = crew.rank({p.responder_id for p in asked if p.state in busy_states(incident)}, now)
        waiting = any(p.state in BEING_ASKED for p in asked)
        if not again and not waiting:
            return _nobody(conn, incident, now, actor)
        if not again or not new_round:
            if not waiting:
                _repage(conn, incident, now, min(LONGEST_ANSWER_S, REPAGE_AFTER_S * current))
            return Next(incident, None)
        ranked = again
        current += 1
        incident = apply(
            conn, incident, Move.ESCALATE, actor=actor, now=now, detail={"round": current}
        )
    first = ranked[0]
    if any(p.responder_id == first.responder_id and p.round == current for p in asked):
        current += 1
    return page_one(
        conn, incident, crew.rows[first.responder_id], first, current, now, settings, actor
    )


def page_given(
    conn: Connection,
    incident: Incident,
    responder_id: str,
    *,
    now: datetime,
    settings: Settings,
    actor: str,
) -> Next:
    """Page the responder an operator chose, on shift or not; raise `NotFound`, `Conflict`."""
    crew = read_crew(conn, incident, settings.timezone, now=now)
    row = crew.rows.get(responder_id)
    if row is None or responder_id == SYNTHETIC:
        raise NotFound(f"no responder {responder_id} who can be paged", "responder.unknown")
    asked = asked_of(conn, incident)
    mine = [page for page in asked if page.responder_id == responder_id]
    if any(page.state in busy_states(incident) - BEING_ASKED for page in mine):
        raise Conflict(
            f"{row['name']} has accepted already", "responder.accepted", name=row["name"]
        )
    if any(page.state in BEING_ASKED for page in mine):
        raise Conflict(f"{row['name']} is being paged already", "responder.asked", name=row["name"])
    current = max((page.round for page in asked), default=1)
    if any(page.round == current for page in mine):
        current += 1
    ranked = crew.expect(responder_id, now)
    return page_one(conn, incident, row, ranked, current, now, settings, actor)


def stand_down(
    conn: Connection, incident: Incident, *, now: datetime, but: str | None = None
) -> None:
    """Tell everybody who may have been reached, and did not decline, that they need not come.

    While the incident is open this spares those who are on the way, and always the responder
    `but`. Open pages become stood down; what is not sent yet the dispatcher drops. Positions that
    were shared for a closed incident are deleted.
    """
    conn.execute(
        _QUERIES["stand_down"],
        {
            "incident_id": incident.incident_id,
            "now": now,
            "but": but,
            "spared": [] if incident.closed else list(ON_THE_JOB),
        },
    )
    conn.execute(_QUERIES["end_pages"], {"incident_id": incident.incident_id, "but": but})
    if incident.closed:
        forget_incident(conn, incident.incident_id)


def inform(conn: Connection, incident: Incident, *, now: datetime) -> Incident:
    """Tell everybody on the way, or there, that the incident is worse than they were told."""
    told = conn.execute(
        _QUERIES["inform"], {"incident_id": incident.incident_id, "now": now}
    ).fetchall()
    if not told:
        return incident
    detail: Detail = {"pages": len({row["page_id"] for row in told})}
    return apply(conn, incident, Move.INFORM, actor=SYSTEM, now=now, detail=detail)


def add_timer(
    conn: Connection,
    incident: Incident,
    kind: str,
    due_at: datetime,
    page_id: int | None = None,
) -> None:
    """Set a timer that `alerts.escalation` fires."""
    conn.execute(
        _QUERIES["add_timer"],
        {
            "incident_id": incident.incident_id,
            "page_id": page_id,
            "kind": kind,
            "due_at": due_at,
        },
    )


def end_timers(conn: Connection, incident: Incident, now: datetime, kinds: Iterable[str]) -> None:
    """End the incident's timers of these kinds."""
    conn.execute(
        _QUERIES["end_timers"],
        {"incident_id": incident.incident_id, "now": now, "kinds": list(kinds)},
    )


def page_one(
    conn: Connection,
    incident: Incident,
    responder: dict[str, Any],
    ranked: Ranked,
    round_: int,
    now: datetime,
    settings: Settings,
    actor: str,
) -> Next:
    """Page this responder (a row of `responders`) in this round: page, deliveries, timer, log."""
    if incident.state in UNSENT or actor != SYSTEM:
        incident = apply(conn, incident, Move.DISPATCH, actor=actor, now=now)
    until = answer_by(settings.answer_within_s, round_, now, ranked.off_at)
    planned = conn.execute(
        _QUERIES["plan_page"],
        {
            "incident_id": incident.incident_id,
            "responder_id": ranked.responder_id,
            "round": round_,
            "distance_m": ranked.distance_m,
            "now": now,
            "answer_by": until,
            "eta_s": ranked.eta_s,
            "eta_by": ranked.eta_by,
            "channels": channels_of(responder),
            "apart": CHANNELS_APART if incident.priority > Priority.LIFE_SAFETY else timedelta(0),
        },
    ).fetchall()
    page_id = int(planned[0]["page_id"])
    add_timer(conn, incident, "page_unanswered", until, page_id)
    detail: Detail = {
        "page_id": page_id,
        "responder": ranked.responder_id,
        "round": round_,
        "distance_m": round(ranked.distance_m),
    }
    if ranked.eta_s is not None:
        detail = {**detail, "eta_s": round(ranked.eta_s), "eta_by": ranked.eta_by}
    incident = apply(conn, incident, Move.PAGE, actor=actor, now=now, detail=detail)
    return Next(incident, page_id)


def _nobody(conn: Connection, incident: Incident, now: datetime, actor: str) -> Next:
    said = conn.execute(
        _QUERIES["last_paging_line"], {"incident_id": incident.incident_id}
    ).fetchone()
    if said is None or said["move"] != Move.NOBODY:
        incident = apply(conn, incident, Move.NOBODY, actor=actor, now=now)
    _repage(conn, incident, now, REPAGE_AFTER_S)
    return Next(incident, None, nobody=True)


def _repage(conn: Connection, incident: Incident, now: datetime, after_s: float) -> None:
    conn.execute(
        _QUERIES["add_repage"],
        {"incident_id": incident.incident_id, "due_at": now + timedelta(seconds=after_s)},
    )
