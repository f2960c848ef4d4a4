"""A technical flood pages once: further faults of the district wait for the one that was paged.

As shipped the rules page nobody for a fault; this is for rules that do. It never touches anything
but kind `technical`, and nobody is forgotten: who waits has a timer, and is paged for by itself
when the flood is over.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.audit import Detail
from alerts.lifecycle import ANSWERED, Move
from alerts.policy import SYNTHETIC, Kind
from alerts.transition import SYSTEM, Incident, apply
from core import sql
from core.catalogue import Priority
from core.database import Connection

# ISA-18.2 and EEMUA 191 count a flood by what comes in ten minutes.
FLOOD_FOR = timedelta(minutes=10)
_QUERIES = sql.load("alerts", "grouping.sql")


def joins_flood(conn: Connection, incident: Incident, *, now: datetime) -> Incident | None:
    """Let a fault wait for another that was paged within ten minutes, or is in somebody's hands.

    Returns the incident, with the word of it in its log; None when it is to be paged by itself.
    """
    if incident.kind != Kind.TECHNICAL or incident.household_id == SYNTHETIC:
        return None
    if incident.priority == Priority.LIFE_SAFETY:  # whatever kind somebody's rules give it
        return None
    given = {
        "incident_id": incident.incident_id,
        "since": now - FLOOD_FOR,
        "answered": list(ANSWERED),
    }
    first = conn.execute(_QUERIES["paged_first"], given).fetchone()
    if first is None:
        return None
    over_at: datetime = first["paged_at"] + FLOOD_FOR
    due_at = over_at if over_at > now else now + FLOOD_FOR
    conn.execute(_QUERIES["wait"], {**given, "due_at": due_at})
    if first["said"]:
        return incident
    detail: Detail = {"grouped_with": first["incident_id"]}
    return apply(conn, incident, Move.NOTE, actor=SYSTEM, now=now, detail=detail)
