"""Who can be asked for one incident, and who was: read once, ranked as often as needed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.lifecycle import BEING_ASKED, ON_THE_JOB, PageState, State
from alerts.policy import Whom, whom
from alerts.positions import fixes_of
from alerts.ranking import Home, Position, Ranked, Responder, Routed, expected, rank
from alerts.rosters import duties
from alerts.rules.steps import Step
from alerts.shifts import ALWAYS
from alerts.transition import Incident
from core import sql
from core.database import Connection
from core.errors import NotFound

# Traffic and people move on; then the distance says more.
ROUTED_HOLDS = timedelta(minutes=3)
_QUERIES = sql.load("alerts")


@dataclass(frozen=True, slots=True)
class Asked:
    """One page of the incident."""

    page_id: int
    responder_id: str
    round: int
    state: PageState


@dataclass(frozen=True, slots=True)
class Crew:
    """Everybody who can be reached, and the home they would go to.

    `rows` are those of `responders` by id, `people` what ranking knows of them.
    """

    rows: dict[str, dict[str, Any]]
    people: list[Responder]
    home: Home
    kind: str
    whom: Whom
    timezone: str

    def rank(self, already: Collection[str], now: datetime) -> list[Ranked]:
        """Return whom an incident of this kind asks, best first, without those in `already`."""
        return rank(
            self.home,
            self.people,
            now,
            self.timezone,
            already,
            whom=self.whom,
            incident_kind=self.kind,
        )

    def expect(self, responder_id: str, now: datetime) -> Ranked:
        """Return when this one of the crew is expected, on duty or not."""
        one = next(one for one in self.people if one.responder_id == responder_id)
        return expected(one, self.home, now)

    def for_step(self, step: Step, already: Collection[str], now: datetime) -> list[Ranked]:
        """Return whom a step asks; each once, none of those in `already`."""
        return for_step(step, self.home, self.people, already, now, self.timezone)


def for_step(
    step: Step,
    home: Home,
    crew: Collection[Responder],
    already: Collection[str],
    now: datetime,
    timezone: str,
) -> list[Ranked]:
    """Return whom a step asks of a crew, nearest first within each group. Pure."""
    chosen = rank(home, crew, now, timezone, already)[: step.next]
    for group in step.also:
        known = {*already, *(one.responder_id for one in chosen)}
        chosen += rank(home, crew, now, timezone, known, whom=group)
    return chosen


def read_crew(conn: Connection, incident: Incident, timezone: str, *, now: datetime) -> Crew:
    """Read who can be reached now for an incident. Raises `NotFound` for a home that is gone."""
    return crew_for(
        conn, incident.incident_id, incident.household_id, incident.kind, timezone, now=now
    )


def crew_for(
    conn: Connection,
    incident_id: int,
    household_id: str,
    kind: str,
    timezone: str,
    *,
    now: datetime,
) -> Crew:
    """Like `read_crew`, for an incident that is not locked."""
    home = conn.execute(_QUERIES["home"], {"household_id": household_id}).fetchone()
    if home is None:
        raise NotFound(f"no household {household_id}", "home.unknown")
    rows = conn.execute(_QUERIES["reachable_responders"]).fetchall()
    return Crew(
        {row["responder_id"]: row for row in rows},
        _people(conn, rows, incident_id, now),
        Home(household_id, Position(home["lat"], home["lon"]), home["district"]),
        kind,
        whom(kind, household_id),
        timezone,
    )


def _people(
    conn: Connection, rows: list[dict[str, Any]], incident_id: int, now: datetime
) -> list[Responder]:
    known, fixes = duties(conn, now), fixes_of(conn, now)
    ids = {"incident_id": incident_id}
    values = {**ids, "since": now - ROUTED_HOLDS}
    routed = {
        row.pop("responder_id"): Routed(**row)
        for row in conn.execute(_QUERIES["estimates"], values).fetchall()
    }
    load = {
        row["responder_id"]: (row["on_jobs"], row["asked"])
        for row in conn.execute(_QUERIES["load"], ids).fetchall()
    }
    return [
        Responder(
            row["responder_id"],
            row["kind"],
            Position(row["lat"], row["lon"]),
            known.get(row["responder_id"], ALWAYS),
            row["district"],
            frozenset(row["households"]),
            frozenset(row["skills"]),
            fixes.get(row["responder_id"]),
            routed.get(row["responder_id"]),
            *load.get(row["responder_id"], (0, 0)),
        )
        for row in rows
    ]


def asked_of(conn: Connection, incident: Incident) -> list[Asked]:
    """Return the incident's pages, in the order in which they were planned."""
    rows = conn.execute(_QUERIES["pages_of_incident"], {"incident_id": incident.incident_id})
    return [Asked(r["page_id"], r["responder_id"], r["round"], PageState(r["state"])) for r in rows]


def busy_states(incident: Incident) -> frozenset[PageState]:
    """Return in which state of a page its responder is not asked again.

    While somebody is being sent for, whoever once accepted has been and gone, or is overdue.
    """
    return BEING_ASKED if incident.state is State.DISPATCHED else BEING_ASKED | ON_THE_JOB


def asked_lately(asked: Collection[Asked], incident: Incident, round_: int) -> set[str]:
    """Return who was asked in this round or is being asked or on the job.

    Who was stood down may be asked again: whoever accepted instead has withdrawn.
    """
    busy = busy_states(incident)
    return {
        one.responder_id
        for one in asked
        if one.state in busy or (one.round == round_ and one.state is not PageState.STOOD_DOWN)
    }
