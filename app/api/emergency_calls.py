"""`/v1/incidents/{id}/calls`: handing over to police 112, fire 119 or the counselling line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, Field

from alerts import board, emergency_calls
from alerts.emergency_calls import Call
from alerts.emergency_script import Outcome, Service
from app.api.desk import READS_HOME, DeskDep, TokenDep
from app.api.incidents import IncidentId, acting
from app.api.problems import responses

_TEXT = r"^[^\x00]*$"
_ERRORS = responses(400, 401, 403, 404, 409, 422, 503)
CallId = Annotated[int, Path(alias="call", ge=1, le=2**63 - 1)]

router = APIRouter(prefix="/v1/incidents/{id}/calls", tags=["operators"])


class CallStep(BaseModel):
    name: str = Field(examples=["where"])
    needed: bool = Field(description="Before the call counts as taken")


class EmergencyCall(BaseModel):
    """One call; steps in the order in which they are said."""

    call_id: int
    service: Service
    number: str = Field(description="Empty: the line's own", examples=["119"])
    steps: list[CallStep]
    done: list[str]
    begun_at: AwareDatetime
    begun_by: str
    spoken_to: str
    reference: str
    ended_at: AwareDatetime | None
    ended_by: str | None
    outcome: Outcome | None


class EmergencyCallList(BaseModel):
    items: list[EmergencyCall]


class BeginCall(BaseModel):
    service: Service


class Tick(BaseModel):
    done: bool = True


class EndCall(BaseModel):
    """`taken` needs every step that is needed, and who took the call."""

    outcome: Outcome
    spoken_to: str = Field(default="", max_length=emergency_calls.LONGEST, pattern=_TEXT)
    reference: str = Field(
        default="",
        max_length=emergency_calls.LONGEST,
        pattern=_TEXT,
        description="Under which they have it",
    )


def _view(call: Call) -> EmergencyCall:
    return EmergencyCall.model_validate(asdict(call))


@router.get("", summary="The calls of an incident", dependencies=[READS_HOME], responses=_ERRORS)
def calls(desk: DeskDep, token: TokenDep, incident_id: IncidentId) -> EmergencyCallList:
    with acting(desk, token, incident_id) as (conn, _, _):
        kind = board.card(conn, incident_id).kind
        found = emergency_calls.calls_of(conn, incident_id, kind)
    return EmergencyCallList(items=[_view(call) for call in found])


@router.post("", summary="Begin a call", responses=_ERRORS)
def begin(
    desk: DeskDep, token: TokenDep, incident_id: IncidentId, given: BeginCall
) -> EmergencyCall:
    """The one that is under way with this service, if there is one."""
    with acting(desk, token, incident_id) as (conn, who, now):
        return _view(emergency_calls.begin(conn, incident_id, given.service, actor=who, now=now))


@router.post("/{call}/steps/{step}", summary="Tick a step of the script", responses=_ERRORS)
def tick(
    desk: DeskDep, token: TokenDep, incident_id: IncidentId, call: CallId, step: str, given: Tick
) -> EmergencyCall:
    with acting(desk, token, incident_id) as (conn, who, now):
        return _view(
            emergency_calls.tick(conn, incident_id, call, step, done=given.done, actor=who, now=now)
        )


@router.post("/{call}/end", summary="End a call", responses=_ERRORS)
def end(
    desk: DeskDep, token: TokenDep, incident_id: IncidentId, call: CallId, given: EndCall
) -> EmergencyCall:
    with acting(desk, token, incident_id) as (conn, who, now):
        return _view(
            emergency_calls.end(
                conn,
                incident_id,
                call,
                outcome=given.outcome,
                spoken_to=given.spoken_to,
                reference=given.reference,
                actor=who,
                now=now,
            )
        )
