"""Paging by the plainest rule, when a bug or a poisoned row stops the ordinary one."""

from __future__ import annotations

from datetime import datetime

import psycopg

from alerts.lifecycle import Move
from alerts.planning import page_next, page_one
from alerts.policy import SYNTHETIC
from alerts.ranking import Ranked
from alerts.transition import SYSTEM, Incident, apply
from core import sql
from core.database import Connection
from core.errors import DoorGuardError
from core.settings import Settings
from core.telemetry import logger

_QUERIES = sql.load("alerts")
_log = logger(__name__)


def page_surely(
    conn: Connection,
    incident: Incident,
    *,
    now: datetime,
    settings: Settings,
    afresh: bool = False,
) -> Incident:
    """Page the next; if that fails unforeseen, every crew and guard who is not absent.

    Raises what the database raises, and errors of ours.
    """
    try:
        with conn.transaction():
            return page_next(
                conn, incident, now=now, settings=settings, new_round=True, afresh=afresh
            ).incident
    except (DoorGuardError, psycopg.Error):
        raise
    except Exception as error:
        if incident.household_id == SYNTHETIC:
            raise  # nobody is in danger there, and its failure pages the engineers
        _log.exception("paging by the plainest rule", incident_id=incident.incident_id)
        return _page_all(conn, incident, error, now, settings)


def _page_all(
    conn: Connection, incident: Incident, error: Exception, now: datetime, settings: Settings
) -> Incident:
    ids = {"incident_id": incident.incident_id, "now": now}
    detail = {"error": type(error).__name__}
    incident = apply(conn, incident, Move.FALLBACK, actor=SYSTEM, now=now, detail=detail)
    for row in conn.execute(_QUERIES["plain_responders"], ids).fetchall():
        ranked = Ranked(row["responder_id"], 0.0)
        incident = page_one(
            conn, incident, row, ranked, row["round"], now, settings, SYSTEM
        ).incident
    return incident
