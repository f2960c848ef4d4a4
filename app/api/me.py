"""`/v1/me`: who is asking, and what may be done at which home."""

from __future__ import annotations

from fastapi import APIRouter

from app.accounts.guarding import opened_by
from app.accounts.permissions import Right, may
from app.accounts.principal import Principal, Role
from app.api import home_models
from app.api.desk import DeskDep, TokenDep, authenticate
from app.api.problems import responses
from core import sql
from core.database import Connection
from households.guardians import rights_of

_HOME_RIGHTS = (
    Right.EVENTS, Right.LIVE, Right.TALK, Right.SOS, Right.CANCEL, Right.COMMAND, Right.VIEWS,
    Right.MODE, Right.GUARDIANS,
)  # fmt: skip
_QUERIES = sql.load("app.api", "home.sql")

router = APIRouter(prefix="/v1/me", tags=["home"])


def homes_of(conn: Connection, who: Principal) -> list[home_models.MyHome]:
    """Return the homes somebody lives in or looks after, with what they may do at each."""
    rows = conn.execute(_QUERIES["homes_of"], {"households": list(who.households)}).fetchall()
    homes = []
    for row in rows:
        rights = {right for right in _HOME_RIGHTS if may(who, right)}
        if who.role is Role.GUARDIAN:
            rights &= opened_by(rights_of(conn, row["household_id"], who.user_id))
        homes.append(home_models.MyHome(**row, rights=sorted(right.value for right in rights)))
    return homes


@router.get("", summary="Who I am, and my homes", responses=responses(401, 503))
def me(desk: DeskDep, token: TokenDep) -> home_models.Me:
    """`rights` is what may be done at each home."""
    with desk.database.transaction() as conn:
        who = authenticate(desk, conn, token)
        return home_models.Me(user_id=who.user_id, role=who.role.value, homes=homes_of(conn, who))
