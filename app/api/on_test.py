"""`/v1/households/{id}/on-test`: a technician works there. A mark, which mutes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter

from alerts.audit import record_access
from app.accounts.permissions import Right
from app.accounts.principal import Principal
from app.api import home_models
from app.api.desk import (
    READS_HOME,
    Credential,
    Desk,
    DeskDep,
    TokenDep,
    admit,
    deciding,
    opened_home,
)
from app.api.households import HomeId
from app.api.problems import responses
from core.database import Connection
from households.on_test import OnTest, put_on_test, standing_test, take_off_test

_ERRORS = responses(401, 403, 404, 503)

router = APIRouter(prefix="/v1/households/{id}/on-test", tags=["households"])


def put(
    desk: Desk, conn: Connection, token: Credential, home: str, *, minutes: int, reason: str
) -> OnTest:
    """Put a home on test in the caller's transaction, with its line in the access log.

    Raises what `admit` and `put_on_test` raise.
    """
    with _at_home(desk, conn, token, home, put="on", minutes=minutes, why=reason.strip()) as who:
        now = desk.clock.now()
        return put_on_test(conn, home, minutes=minutes, reason=reason, by=who.user_id, now=now)


def end(desk: Desk, conn: Connection, token: Credential, home: str) -> bool:
    """Take it off in the caller's transaction; say whether it was on test. Raises as `put`."""
    with _at_home(desk, conn, token, home, put="off") as who:
        return take_off_test(conn, home, by=who.user_id, now=desk.clock.now())


@contextmanager
def _at_home(
    desk: Desk, conn: Connection, token: Credential, home: str, **detail: str | int
) -> Iterator[Principal]:
    """Lend who may; what they did is in the log with it."""
    who, why = admit(desk, conn, token, home, Right.ON_TEST)
    yield who
    record_access(
        conn,
        actor=who.user_id,
        action=Right.ON_TEST.value,
        household_id=home,
        now=desk.clock.now(),
        detail={**why, "role": who.role.value, **detail},
    )


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
    with deciding(desk) as conn:
        test = put(desk, conn, token, home, minutes=given.minutes, reason=given.reason)
    return _view(home, test)


@router.delete(
    "",
    summary="Take it off before its time",
    response_model=home_models.HomeTest,
    responses=_ERRORS,
)
def take_off(desk: DeskDep, token: TokenDep, home: HomeId) -> dict[str, Any]:
    """One that is not on test stays so."""
    with deciding(desk) as conn:
        end(desk, conn, token, home)
    return _view(home, None)
