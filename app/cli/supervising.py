"""Whose silence means something: of a home by its door, of devices behind another."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated

import typer

from app.cli.command import Result
from app.site import Site
from core.errors import PermanentError
from gateway import supervision
from households import caring
from households.care import CareRule


def _waking(text: str) -> tuple[time, time]:
    try:
        begins, ends = (time.fromisoformat(one) for one in text.split("-"))
    except ValueError:
        raise PermanentError(f"--waking {text}: HH:MM-HH:MM is expected, 07:00-22:00 say") from None
    return begins, ends


def household_care(
    site: Site,
    household_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    silent_after_h: Annotated[
        int | None, typer.Option("--silent-after", metavar="HOURS", help="Waking hours, 24 say.")
    ] = None,
    waking: Annotated[str, typer.Option(help="Local time; may cross midnight.")] = "07:00-22:00",
    off: Annotated[bool, typer.Option("--off", help="Ask no more after this home.")] = False,
) -> Result:
    """Agree that somebody asks after a resident whose door was silent for so long."""
    if off == (silent_after_h is not None):
        raise PermanentError("give --silent-after HOURS, or --off")
    with site.connect() as conn:
        if silent_after_h is None:
            caring.end_rule(conn, household_id)
        else:
            rule = CareRule(silent_after_h, *_waking(waking))
            caring.set_rule(conn, household_id, rule, now=datetime.now(UTC))
    result = {"household": household_id, "silent_after_h": silent_after_h, "waking": waking}
    if off:
        return result, f"nobody asks after {household_id}"
    return result, f"{household_id} is asked after when silent for {silent_after_h} h of {waking}"


def device_behind(
    site: Site,
    device_id: Annotated[str, typer.Argument(metavar="ID")],
    gateway: Annotated[
        str | None, typer.Argument(metavar="GATEWAY", help="Without one: behind none.")
    ] = None,
) -> Result:
    """Note through which device another connects: while it is silent, both are."""
    with site.connect() as conn:
        supervision.put_behind(conn, device_id, gateway)
    return {"device": device_id, "behind": gateway}, f"{device_id} is behind {gateway or 'none'}"
