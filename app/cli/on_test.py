"""`doorguard household test`: a technician works at a home. A mark, which mutes nothing."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from alerts.audit import record_access
from app.accounts.permissions import Right
from app.cli.command import Result
from app.site import Site
from core.errors import PermanentError
from households.on_test import put_on_test, standing_test, take_off_test


def household_test(
    site: Site,
    household_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    minutes: Annotated[int | None, typer.Option(help="1 to 480; it ends by itself.")] = None,
    reason: Annotated[str, typer.Option(help="What is done there; operators read it.")] = "",
    off: Annotated[bool, typer.Option("--off", help="End it before its time.")] = False,
) -> Result:
    """Mark a home as being worked at; alarms page as always. Without options say how it stands."""
    if (off and minutes is not None) or (minutes is None) == bool(reason):
        raise PermanentError("give --minutes N --reason TEXT, or --off")
    now, actor = datetime.now(UTC), f"cli:{getpass.getuser()}"
    with site.connect() as conn, conn.transaction():
        if off:
            ended = take_off_test(conn, household_id, by=actor, now=now)
            test = None
        elif minutes is not None:
            test = put_on_test(
                conn, household_id, minutes=minutes, reason=reason, by=actor, now=now
            )
        else:
            test = standing_test(conn, household_id, now)
        if off or minutes is not None:
            record_access(
                conn,
                actor=actor,
                action=Right.ON_TEST.value,
                household_id=household_id,
                now=now,
                detail={"put": "off"}
                if test is None
                else {"put": "on", "minutes": minutes, "why": test.reason},
            )
    result = {"household": household_id, "on_test": asdict(test) if test else None}
    if test is None:
        return result, f"{household_id} is not on test" + (" any more" if off and ended else "")
    return result, (
        f"{household_id} is on test until {test.until:%H:%M} UTC by {test.put_by}: {test.reason}; "
        "alarms page as always"
    )
