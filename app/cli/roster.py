"""`doorguard roster show|import|swap|sick|leave|break|back`: who is on duty when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from alerts import rosters
from alerts.roster_file import parse
from alerts.roster_week import GUARDS_PER_ZONE, Week, monday_of, week
from alerts.shifts import ChangeKind, span, zone_of
from app.api.rosters import as_json
from app.cli.command import Result, command, table
from app.site import Site
from core.errors import ConfigurationError, PermanentError

roster = typer.Typer(no_args_is_help=True, help="Who is on duty when.")

_BY = "administrator at the command line"
Who = Annotated[str, typer.Argument(metavar="RESPONDER")]


def _now() -> datetime:
    return datetime.now(UTC)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PermanentError(f"{text}: a day as YYYY-MM-DD is expected") from None


@command(roster, "show")
def show(
    site: Site,
    *,
    week_of: Annotated[str, typer.Option("--week", help="A day of it, YYYY-MM-DD; today.")] = "",
) -> Result:
    """Show a week, Monday to Sunday, and where guards are missing."""
    timezone, now = site.settings().timezone, _now()
    day = _day(week_of) if week_of else now.astimezone(zone_of(timezone)).date()
    with site.connect() as conn:
        found = week(conn, monday_of(day), timezone=timezone, now=now)
    return as_json(found).model_dump(mode="json", by_alias=True), _text(found)


@command(roster, "import")
def import_(site: Site, file: Annotated[Path, typer.Argument(help=".csv or .toml")]) -> Result:
    """Set the weekly shifts of all who stand in a file; the others keep theirs."""
    try:
        given = parse(file.read_text(encoding="utf-8"), file.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from error
    with site.connect() as conn, conn.transaction():
        rosters.import_shifts(conn, given)
    n = sum(map(len, given.values()))
    return {"responders": len(given), "shifts": n}, f"{n} shifts of {len(given)} responders"


@command(roster, "swap")
def swap(
    site: Site,
    responder_id: Who,
    partner: Annotated[str, typer.Argument(metavar="PARTNER")],
    *,
    day: Annotated[str, typer.Option("--day", help="On which it begins, YYYY-MM-DD.")],
) -> Result:
    """Let PARTNER do the shift of RESPONDER that begins on a day."""
    timezone = site.settings().timezone
    with site.connect() as conn, conn.transaction():
        spans = rosters.swap(
            conn,
            responder_id,
            partner,
            day=_day(day),
            timezone=timezone,
            noted_by=_BY,
            now=_now(),
        )
    said = "\n".join(f"{partner} for {responder_id}: {_span(*one, timezone)}" for one in spans)
    return {"responder": responder_id, "partner": partner, "shifts": spans}, said


def _absence(
    site: Site, responder_id: str, kind: ChangeKind, end: datetime | None, start: datetime
) -> Result:
    now = _now()
    with site.connect() as conn, conn.transaction():
        rosters.note_absence(conn, responder_id, kind, start=start, end=end, noted_by=_BY, now=now)
    timezone = site.settings().timezone
    until = _clock(end, timezone) if end else "until `roster back`"
    result = {"responder": responder_id, "kind": kind.value, "from": start, "to": end}
    return result, f"{responder_id}: {kind}, {_clock(start, timezone)} to {until}"


def _days(site: Site, responder_id: str, kind: ChangeKind, first: str, until: str) -> Result:
    timezone = site.settings().timezone
    start = span(_day(first), time(), time(), timezone)[0] if first else _now()
    end = span(_day(until), time(), time(), timezone)[1] if until else None
    return _absence(site, responder_id, kind, end, start)


First = Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD; now.")]
Until = Annotated[str, typer.Option("--until", help="Last day, YYYY-MM-DD; until they are back.")]


@command(roster, "sick")
def sick(site: Site, responder_id: Who, *, first: First = "", until: Until = "") -> Result:
    """Note that somebody is ill; what they have not answered is asked of the next at once."""
    return _days(site, responder_id, ChangeKind.SICK, first, until)


@command(roster, "leave")
def leave(site: Site, responder_id: Who, *, first: First = "", until: Until = "") -> Result:
    """Note that somebody is on leave."""
    return _days(site, responder_id, ChangeKind.LEAVE, first, until)


@command(roster, "break")
def break_(
    site: Site,
    responder_id: Who,
    *,
    minutes: Annotated[int, typer.Option(help="How long.", min=1, max=480)] = 30,
) -> Result:
    """Note a break that begins now."""
    now = _now()
    end = now + timedelta(minutes=minutes)
    return _absence(site, responder_id, ChangeKind.BREAK, end, now)


@command(roster, "back")
def back(site: Site, responder_id: Who) -> Result:
    """Note that somebody is back from a break, illness or leave."""
    with site.connect() as conn, conn.transaction():
        ended = rosters.end_absences(conn, responder_id, now=_now())
    return {"responder": responder_id, "ended": ended}, f"{responder_id} is back"


def _text(found: Week) -> str:
    days = [found.first_day + timedelta(days=n) for n in range(7)]
    zone = zone_of(found.timezone)
    rows = []
    for one in found.people:
        row = {"responder": one.responder_id, "kind": one.kind, "zone": one.district or "-"}
        around = one.always and not one.changes
        row |= {f"{day:%a %d}": "24 h" if around else "" for day in days}
        for begin, end in () if around else one.periods:
            local, key = begin.astimezone(zone), f"{begin.astimezone(zone):%a %d}"
            row[key] = f"{row[key]} {local:%H:%M}-{end.astimezone(zone):%H:%M}".strip()
        row["now"] = "on" if one.on_duty else ""
        rows.append(row)
    columns = ["responder", "kind", "zone", *(f"{day:%a %d}" for day in days), "now"]
    lines = [table(rows, columns, "no responders")]
    lines += [
        f"{night.district or 'no zone'}, {night.day:%a %d}: {night.guards} of {GUARDS_PER_ZONE}"
        " guards all night"
        for night in found.short
    ]
    return "\n".join(lines)


def _clock(at: datetime, timezone: str) -> str:
    return f"{at.astimezone(zone_of(timezone)):%Y-%m-%d %H:%M}"


def _span(begin: datetime, end: datetime, timezone: str) -> str:
    return f"{_clock(begin, timezone)} to {_clock(end, timezone)}"
