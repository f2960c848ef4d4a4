"""`/v1/households/{id}/care`: when a home's silence is asked after."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.accounts.permissions import Right
from app.api import caring_models
from app.api.acting import acting_at
from app.api.desk import READS_HOME, DeskDep, TokenDep, opened_home
from app.api.households import HomeId
from app.api.problems import responses
from households import caring

_ERRORS = responses(400, 401, 403, 404, 422, 503)

router = APIRouter(prefix="/v1/households/{id}/care", tags=["home"])


@router.get(
    "",
    summary="When somebody asks after this home",
    dependencies=[READS_HOME],
    responses=responses(401, 403, 404, 503),
)
def read(desk: DeskDep, token: TokenDep, home: HomeId) -> caring_models.CareAgreed:
    with opened_home(desk, token, home, Right.CARE) as conn:
        rule = caring.rule_of(conn, home)
    return caring_models.care_of(rule)


@router.put("", summary="Agree when somebody asks after this home", responses=_ERRORS)
def agree(
    desk: DeskDep, token: TokenDep, home: HomeId, given: caring_models.Care
) -> caring_models.CareAgreed:
    """After so many waking hours without a door moved and without a press, `inactivity.raised`."""
    rule = given.rule()
    with acting_at(desk, token, home, Right.CARE) as acting:
        caring.set_rule(acting.conn, home, rule, now=acting.now)
        acting.told.update(caring_models.told(rule))
    return caring_models.care_of(rule)


@router.delete(
    "",
    summary="Ask no more",
    status_code=204,
    responses=responses(401, 403, 404, 503),
)
def end(desk: DeskDep, token: TokenDep, home: HomeId) -> Response:
    """404 where nothing was agreed. What was raised stays open until an operator closes it."""
    with acting_at(desk, token, home, Right.CARE) as acting:
        caring.end_rule(acting.conn, home)
        acting.told["ended"] = True
    return Response(status_code=204)
