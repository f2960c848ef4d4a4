"""What is changed at a home: who may is decided first, and the act is in the log with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts.audit import record_access
from app.accounts.permissions import Denied, Hidden, Right, reason
from app.accounts.principal import Principal
from app.api.desk import Credential, Desk, admit, deciding, place_of
from core.database import Connection
from core.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Acting:
    """A transaction of somebody who decides at a home; `told` goes into their line of the log."""

    conn: Connection
    who: Principal
    now: datetime
    told: dict[str, str | int | bool | None] = field(default_factory=dict)


Do = Callable[[Acting], str]  # does it, and says in words what was done


@contextmanager
def acting_at(desk: Desk, token: Credential, home: str, right: Right) -> Iterator[Acting]:
    """Lend a transaction of somebody with this right. Raises what `permissions.reason` raises, 401.

    Give nothing away before the block has ended: the act and its line commit or fail together.
    """
    with deciding(desk) as conn:
        who, why = admit(desk, conn, token, home, right)
        with logged(Acting(conn, who, desk.clock.now()), home, right, why) as acting:
            yield acting


@contextmanager
def logged(acting: Acting, home: str, right: Right, why: Mapping[str, Any]) -> Iterator[Acting]:
    """Write the act's line into the access log at the end of the block."""
    yield acting
    record_access(
        acting.conn,
        actor=acting.who.user_id,
        action=right.value,
        household_id=home,
        now=acting.now,
        detail={**why, "role": acting.who.role.value, **acting.told},
    )


def carried_out(
    acting: Acting, home: str, right: Right, do: Do
) -> tuple[str, PermanentError | None]:
    """Do it in a savepoint, with its line in the log; return what it said, or why it was refused.

    Raises what `permissions.reason` raises.
    """
    why = reason(acting.who, right, home, place_of(acting.conn, home))
    try:
        with acting.conn.transaction(), logged(acting, home, right, why):
            return do(acting), None
    except (Denied, Hidden):
        raise
    except PermanentError as error:
        return "", error
