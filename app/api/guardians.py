"""`/v1/households/{id}/guardians`: who looks after a resident, named and limited by them."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.accounts.permissions import Right
from app.accounts.principal import Role
from app.accounts.users import add_user, join_home, leave_home
from app.api import home_models
from app.api.acting import acting_at
from app.api.desk import READS_HOME, DeskDep, TokenDep
from app.api.households import HomeId
from app.api.problems import responses
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
    with acting_at(desk, token, home, Right.GUARDIANS) as acting:
        found = list_guardians(acting.conn, home)
    return home_models.GuardianList(items=[_view(one) for one in found])


@router.post("", summary="Name a guardian", status_code=201, responses=_ERRORS)
def add(
    desk: DeskDep, token: TokenDep, home: HomeId, given: home_models.NameGuardian
) -> home_models.NewGuardian:
    """The password is shown this once; whoever is named signs in with it. Who looks after another
    home already keeps one account for both: name their user, and there is no password.
    """
    user_id = given.user_id or f"guardian-{''.join(secrets.choice(_LETTERS) for _ in range(6))}"
    with acting_at(desk, token, home, Right.GUARDIANS) as acting:
        if given.user_id:
            join_home(acting.conn, user_id, home)
            password = None
        else:
            password = add_user(acting.conn, user_id, Role.GUARDIAN, [home])
        add_guardian(
            acting.conn, home, user_id,
            name=given.name, relation=given.relation, phone=given.phone,
            rights=map(GuardianRight, given.rights), by=acting.who.user_id, now=acting.now,
        )  # fmt: skip
        acting.told["added"] = user_id
        (made,) = (one for one in list_guardians(acting.conn, home) if one.user_id == user_id)
    return home_models.NewGuardian(**_view(made).model_dump(), password=password)


@router.put("/{user}", summary="Say what a guardian may do", responses=_ERRORS)
def limit(
    desk: DeskDep, token: TokenDep, home: HomeId, user: UserId, given: home_models.GuardianRights
) -> home_models.Guardian:
    """Holds from the next request of theirs on."""
    rights = [GuardianRight(right) for right in given.rights]
    with acting_at(desk, token, home, Right.GUARDIANS) as acting:
        limit_guardian(acting.conn, home, user, rights)
        acting.told.update(limited=user, rights=",".join(sorted(rights)) or "none")
        found = [one for one in list_guardians(acting.conn, home) if one.user_id == user]
    if not found:
        raise NotFound("no such guardian of this home", "guardian.unknown")
    return _view(found[0])


@router.delete("/{user}", summary="End it", status_code=204, responses=_ERRORS)
def remove(desk: DeskDep, token: TokenDep, home: HomeId, user: UserId) -> Response:
    """Their way into this home ends at once; with the last of their homes, so does the account."""
    with acting_at(desk, token, home, Right.GUARDIANS) as acting:
        remove_guardian(acting.conn, home, user, acting.now)
        leave_home(acting.conn, user, home, acting.now)
        acting.told["removed"] = user
    return Response(status_code=204)
