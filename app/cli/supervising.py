"""Whose silence means something: of a home by its door, of devices behind another."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated

import typer

from app.cli.command import Result, table
from app.site import Site
from core.errors import PermanentError
from gateway import supervision
from households import caring, contacts
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


def household_contact(
    site: Site,
    household_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    add: Annotated[str | None, typer.Option(metavar="NAME", help="Who is told.")] = None,
    webhook: Annotated[str | None, typer.Option(metavar="URL")] = None,
    apprise: Annotated[str | None, typer.Option(metavar="URL")] = None,
    remove: Annotated[int | None, typer.Option(metavar="NUMBER")] = None,
) -> Result:
    """Say who of a home is told of what happens at its door; without options list them."""
    now = datetime.now(UTC)
    with site.connect() as conn:
        if add is not None:
            number, secret = contacts.add_contact(
                conn, household_id, name=add, webhook_url=webhook, apprise_url=apprise, now=now
            )
            said = f"contact {number}" + (f", webhook secret {secret}" if secret else "")
            return {"contact": number, "webhook_secret": secret}, said
        if remove is not None:
            contacts.remove_contact(conn, household_id, remove, now=now)
            return {"contact": remove, "removed": True}, f"removed contact {remove}"
        rows = contacts.list_contacts(conn, household_id)
    return {"contacts": rows}, table(rows, ["contact_id", "name", "channel"], "no contacts")
