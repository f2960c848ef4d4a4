"""`/v1/households/{id}/on-test`: a technician works there. A mark, which mutes nothing."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.accounts.permissions import Right
from app.api import home_models
from app.api.acting import Acting, acting_at
from app.api.desk import READS_HOME, DeskDep, TokenDep, opened_home
from app.api.households import HomeId
from app.api.problems import responses
from households.on_test import OnTest, put_on_test, standing_test, take_off_test

_ERRORS = responses(401, 403, 404, 503)

router = APIRouter(prefix="/v1/households/{id}/on-test", tags=["households"])


def put(acting: Acting, home: str, *, minutes: int, reason: str) -> OnTest:
    """Put a home on test, and say so in the log. Raises what `put_on_test` does."""
    who, now = acting.who.user_id, acting.now
    test = put_on_test(acting.conn, home, minutes=minutes, reason=reason, by=who, now=now)
    acting.told.update(put="on", minutes=minutes, why=test.reason)
    return test


def end(acting: Acting, home: str) -> None:
    """Take it off, and say so in the log; one that is not on test stays so."""
    take_off_test(acting.conn, home, by=acting.who.user_id, now=acting.now)
    acting.told["put"] = "off"


def _view(home: str, test: OnTest | None) -> dict[str, Any]:
    if test is None:
        return {"household_id": home, "on_test": None}
    return {
        "household_id": home,
        "on_test": home_models.OnTest(
            since=test.since, until=test.until, put_by=test.put_by, reason=test.reason
        ),
    }


@router.get(
    "",
    summary="Whether somebody works there, by whom and until when",
    response_model=home_models.HomeTest,
    dependencies=[READS_HOME],
    responses=_ERRORS,
)
def read(desk: DeskDep, token: TokenDep, home: HomeId) -> dict[str, Any]:
    with opened_home(desk, token, home, Right.ON_TEST) as conn:
        test = standing_test(conn, home, desk.clock.now())
    return _view(home, test)


@router.put(
    "",
    summary="Put the home on test for a time",
    response_model=home_models.HomeTest,
    responses=_ERRORS | responses(400, 422),
)
def put_on(
    desk: DeskDep, token: TokenDep, home: HomeId, given: home_models.PutOnTest
) -> dict[str, Any]:
    """Every alarm opens its incident, pages, escalates and rings as always: the board only says
    that somebody works there. Again, and it lasts from now on until then.
    """
    with acting_at(desk, token, home, Right.ON_TEST) as acting:
        test = put(acting, home, minutes=given.minutes, reason=given.reason)
    return _view(home, test)


@router.delete(
    "",
    summary="Take it off before its time",
    response_model=home_models.HomeTest,
    responses=_ERRORS,
)
def take_off(desk: DeskDep, token: TokenDep, home: HomeId) -> dict[str, Any]:
    """One that is not on test stays so."""
    with acting_at(desk, token, home, Right.ON_TEST) as acting:
        end(acting, home)
    return _view(home, None)
