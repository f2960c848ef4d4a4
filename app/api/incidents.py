"""`/v1/incidents/{id}`: an incident in an operator's hands. Who may not see the home gets 403."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path

from alerts import board, incidents
from alerts.audit import record_access
from app.accounts.permissions import Right, permit, reason
from app.api import models
from app.api.desk import (
    READS_HOME,
    Credential,
    Desk,
    DeskDep,
    TokenDep,
    authenticate,
    deciding,
    incident_place,
)
from app.api.problems import responses
from core.database import Connection

_ERRORS = responses(400, 401, 403, 404, 409, 503)

IncidentId = Annotated[int, Path(alias="id", ge=1, le=2**63 - 1)]
router = APIRouter(prefix="/v1/incidents/{id}", tags=["operators"])


@contextmanager
def acting(
    desk: Desk, token: Credential, incident_id: int
) -> Iterator[tuple[Connection, str, datetime]]:
    """Lend a transaction, who acts on this incident in it, and the time.

    Raises `NotFound`, and `Denied` for one of another district or that was over long ago.
    """
    with deciding(desk) as conn:
        who, now = authenticate(desk, conn, token), desk.clock.now()
        permit(who, Right.HANDLE)  # before anything is looked up
        place = incident_place(conn, incident_id, now)
        reason(who, Right.HANDLE, place.household_id, place)
        yield conn, who.user_id, now


def _view(conn: Connection, who: str, now: datetime, incident_id: int) -> models.Incident:
    """Return the incident as it stands now; the look is in the access log of the home."""
    card = board.card(conn, incident_id)
    record_access(
        conn,
        actor=who,
        action=Right.HANDLE.value,
        household_id=card.household_id,
        now=now,
        detail={"reason": "incident", "incident_id": incident_id},
    )
    return models.Incident.model_validate(asdict(card))


@router.get(
    "",
    summary="An incident, with its validation level and what it follows from",
    response_model=models.Incident,
    dependencies=[READS_HOME],
    responses=_ERRORS,
)
def show(desk: DeskDep, token: TokenDep, incident_id: IncidentId) -> models.Incident:
    """Of one that was closed, for another hour."""
    with acting(desk, token, incident_id) as (conn, who, now):
        return _view(conn, who, now, incident_id)


@router.post(
    "/acknowledge", summary="I have it in hand", response_model=models.Incident, responses=_ERRORS
)
def acknowledge(desk: DeskDep, token: TokenDep, incident_id: IncidentId) -> models.Incident:
    """The first wins; whoever comes later gets 409 with the name of the first."""
    with acting(desk, token, incident_id) as (conn, who, now):
        incidents.acknowledge(conn, incident_id, actor=who, now=now)
        return _view(conn, who, now, incident_id)


@router.post(
    "/take-over", summary="I take it over", response_model=models.Incident, responses=_ERRORS
)
def take_over(desk: DeskDep, token: TokenDep, incident_id: IncidentId) -> models.Incident:
    """From whoever acknowledged it; both names are in the log."""
    with acting(desk, token, incident_id) as (conn, who, now):
        incidents.take_over(conn, incident_id, actor=who, now=now)
        return _view(conn, who, now, incident_id)


@router.post(
    "/verify",
    summary="I look, listen, telephone",
    response_model=models.Incident,
    responses=_ERRORS,
)
def verify(desk: DeskDep, token: TokenDep, incident_id: IncidentId) -> models.Incident:
    """Only who has it in hand."""
    with acting(desk, token, incident_id) as (conn, who, now):
        incidents.verify(conn, incident_id, actor=who, now=now)
        return _view(conn, who, now, incident_id)


@router.post(
    "/level",
    summary="Raise or lower the validation level",
    response_model=models.Incident,
    responses=_ERRORS | responses(422),
)
def level(
    desk: DeskDep, token: TokenDep, incident_id: IncidentId, given: models.SetLevel
) -> models.Incident:
    """It stands until evidence goes beyond what was known."""
    with acting(desk, token, incident_id) as (conn, who, now):
        incidents.set_level(conn, incident_id, actor=who, now=now, level=given.level, why=given.why)
        return _view(conn, who, now, incident_id)


@router.post(
    "/close",
    summary="End it with a disposition",
    response_model=models.Incident,
    responses=_ERRORS | responses(422),
)
def close(
    desk: DeskDep, token: TokenDep, incident_id: IncidentId, given: models.CloseIncident
) -> models.Incident:
    """A false alarm has a cause, a duplicate names the incident it repeats."""
    with acting(desk, token, incident_id) as (conn, who, now):
        incidents.close(
            conn,
            incident_id,
            actor=who,
            now=now,
            outcome=given.disposition,
            note=given.note,
            cause=given.cause,
            duplicate_of=given.duplicate_of,
        )
        return _view(conn, who, now, incident_id)


@router.post(
    "/reopen",
    summary="Open a closed incident again",
    response_model=models.Incident,
    responses=_ERRORS | responses(422),
)
def reopen(
    desk: DeskDep, token: TokenDep, incident_id: IncidentId, given: models.Reopen
) -> models.Incident:
    """It is in the hands of who reopens it, and pages nobody by itself."""
    with acting(desk, token, incident_id) as (conn, who, now):
        incidents.reopen(conn, incident_id, actor=who, now=now, why=given.why)
        return _view(conn, who, now, incident_id)
