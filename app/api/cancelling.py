"""`/v1/households/{id}/incidents`: what its residents see of them, and how they cancel one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Response

from alerts import cancelling, code_words
from app.accounts.permissions import Right
from app.api import models
from app.api.desk import READS_HOME, DeskDep, TokenDep, caller, fetch_all, opened_home
from app.api.households import MAX_PAGE, HomeId
from app.api.problems import responses
from core.errors import Refused

router = APIRouter(prefix="/v1/households/{id}/incidents", tags=["households"])


@router.get(
    "",
    summary="The incidents of my home, newest first",
    response_model=models.OwnIncidentList,
    dependencies=[READS_HOME],
    responses=responses(401, 403, 404, 422, 503),
)
def incidents(
    desk: DeskDep,
    token: TokenDep,
    home: HomeId,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> Response:
    with opened_home(desk, token, home, Right.INCIDENTS) as conn:
        rows = fetch_all(conn, "incidents", {"household_id": home, "limit": limit})
    return Response(msgspec.json.encode({"items": rows}), media_type="application/json")


@router.post(
    "/{incident}/cancel",
    summary="Cancel with the code word",
    response_model=models.Cancelled,
    responses=responses(401, 403, 404, 422, 503),
)
def cancel(
    desk: DeskDep,
    token: TokenDep,
    home: HomeId,
    incident: Annotated[int, Path(ge=1, le=2**63 - 1)],
    given: models.CodeWord,
) -> models.Cancelled:
    """403 for a wrong word; after five of them only the operator can cancel."""
    who = caller(desk, token, home, Right.CANCEL)
    with desk.for_calls.transaction() as conn:
        kept = code_words.kept(conn, home)
    meaning = code_words.meaning_of(kept, given.word)  # some 100 ms, with no connection held
    with desk.for_calls.transaction() as conn:
        answer = cancelling.cancel(
            conn,
            home,
            incident,
            meaning,
            actor=who.user_id,
            now=desk.clock.now(),
            settings=desk.settings,
        )
    if not answer.accepted:
        raise Refused(
            f"this is not the code word; {answer.left} attempts are left",
            "code_word.wrong" if answer.left else "code_word.spent",
        )
    return models.Cancelled(incident_id=incident, state="cancelled")
