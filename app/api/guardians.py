"""`/v1/households/{id}/guardians`: who looks after a resident, named and limited by them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Path, Response

from alerts.audit import record_access
from app.accounts.permissions import Right
from app.accounts.principal import Principal, Role
from app.accounts.users import add_user, remove_user
from app.api import home_models
from app.api.desk import READS_HOME, Credential, Desk, DeskDep, TokenDep, admit, deciding
from app.api.households import HomeId
from app.api.problems import responses
from core.database import Connection
from core.errors import NotFound
from households.guardians import (
    Guardian,
    GuardianRight,
    add_guardian,
    limit_guardian,
    list_guardians,
    remove_guardian,
)

_ERRORS = responses(400, 401, 403, 404, 409, 422, 503)
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike when read to somebody

router = APIRouter(prefix="/v1/households/{id}/guardians", tags=["home"])
UserId = Annotated[str, Path(alias="user", max_length=40, pattern=r"^[a-z0-9._-]+$")]


@contextmanager
def _at_home(
    desk: Desk, token: Credential, home: str, **detail: str
) -> Iterator[tuple[Connection, Principal]]:
    """Lend a transaction of somebody who decides here; what they did is in the log with it."""
    with deciding(desk) as conn:
        who, why = admit(desk, conn, token, home, Right.GUARDIANS)
        yield conn, who
        record_access(
            conn,
            actor=who.user_id,
            action=Right.GUARDIANS.value,
            household_id=home,
            now=desk.clock.now(),
            detail={**why, "role": who.role.value, **detail},
        )


def _view(guardian: Guardian) -> home_models.Guardian:
    return home_models.Guardian(
        user_id=guardian.user_id,
        name=guardian.name,
        relation=guardian.relation,
        phone=guardian.phone,
        rights=sorted(right.value for right in guardian.rights),
        added_at=guardian.added_at,
        added_by=guardian.added_by,
    )


@router.get(
    "",
    summary="Who looks after me",
    dependencies=[READS_HOME],
    responses=responses(401, 403, 404, 503),
)
def listed(desk: DeskDep, token: TokenDep, home: HomeId) -> home_models.GuardianList:
    with _at_home(desk, token, home) as (conn, _who):
        return home_models.GuardianList(items=[_view(one) for one in list_guardians(conn, home)])


@router.post("", summary="Name a guardian", status_code=201, responses=_ERRORS)
def add(
    desk: DeskDep, token: TokenDep, home: HomeId, given: home_models.NameGuardian
) -> home_models.NewGuardian:
    """The password is shown this once; whoever is named signs in with it."""
    user_id = f"guardian-{''.join(secrets.choice(_LETTERS) for _ in range(6))}"
    with _at_home(desk, token, home, added=user_id) as (conn, who):
        password = add_user(conn, user_id, Role.GUARDIAN, [home])
        add_guardian(
            conn, home, user_id,
            name=given.name, relation=given.relation, phone=given.phone,
            rights=map(GuardianRight, given.rights), by=who.user_id, now=desk.clock.now(),
        )  # fmt: skip
        (made,) = (one for one in list_guardians(conn, home) if one.user_id == user_id)
    return home_models.NewGuardian(**_view(made).model_dump(), password=password)


@router.put("/{user}", summary="Say what a guardian may do", responses=_ERRORS)
def limit(
    desk: DeskDep, token: TokenDep, home: HomeId, user: UserId, given: home_models.GuardianRights
) -> home_models.Guardian:
    """Holds from the next request of theirs on."""
    rights = [GuardianRight(right) for right in given.rights]
    told = ",".join(sorted(rights)) or "none"
    with _at_home(desk, token, home, limited=user, rights=told) as (conn, _who):
        limit_guardian(conn, home, user, rights)
        found = [one for one in list_guardians(conn, home) if one.user_id == user]
    if not found:
        raise NotFound("no such guardian of this home", "guardian.unknown")
    return _view(found[0])


@router.delete("/{user}", summary="End it", status_code=204, responses=_ERRORS)
def remove(desk: DeskDep, token: TokenDep, home: HomeId, user: UserId) -> Response:
    """Their way in ends at once, with every session and token."""
    with _at_home(desk, token, home, removed=user) as (conn, _who):
        remove_guardian(conn, home, user, desk.clock.now())
        remove_user(conn, user, desk.clock.now())
    return Response(status_code=204)
