"""`doorguard figures`: how fast help was, beside the norms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from alerts.figures import CUTS, Cut, Figures, figures
from app.api.figures import as_csv, as_json
from app.cli.command import Result, command, table
from app.site import Site
from core.errors import ConfigurationError

_COLUMNS = ["kind", "district", "month", "step", "n", "p50_s", "p90_s", "p99_s", "max_s"]


def _norms(found: Figures) -> list[dict[str, Any]]:
    return [
        {
            "norm": one.norm.source,
            "step": one.norm.step.value,
            "within_s": one.norm.within_s,
            "asked": f"{one.norm.asked:.1%}",
            "kept": "-" if one.share is None else f"{one.share:.1%} of {one.n}",
            "met": {True: "yes", False: "NO", None: "-"}[one.met],
        }
        for one in found.norms
    ]


def _text(found: Figures, by: list[Cut]) -> str:
    shown = [name for name in _COLUMNS if name not in CUTS or name in by]
    steps = [
        {
            name: round(value, 3) if isinstance(value, float) else value
            for name in shown
            for value in [getattr(one, name)]
        }
        for one in found.steps
    ]
    falsely = [
        {"kind": one.kind, "cause": one.cause, "false": f"{one.n} of {one.closed}"}
        for one in found.false_alarms
    ]
    return "\n\n".join(
        (
            "seconds from the press\n" + table(steps, shown, "no incident in this time"),
            table(_norms(found), ["norm", "step", "within_s", "asked", "kept", "met"], ""),
            table(falsely, ["kind", "cause", "false"], "no false alarm"),
        )
    )


def figures_command(
    site: Site,
    *,
    days: Annotated[int, typer.Option(min=1, max=400, help="So many days until now.")] = 30,
    by: Annotated[
        list[str] | None, typer.Option(help=f"Tell apart: {', '.join(CUTS)}; may be repeated.")
    ] = None,
    as_table: Annotated[bool, typer.Option("--csv", help="The steps as CSV.")] = False,
) -> Result:
    """Times of each step with percentiles, the norms they answer to, false alarms."""
    cuts: list[Cut] = [cut for cut in CUTS if cut in (by or ["kind"])]
    unknown = set(by or ()) - set(CUTS)
    if unknown:
        raise ConfigurationError(f"--by {', '.join(sorted(unknown))}: {', '.join(CUTS)} are there")
    now = datetime.now(UTC)
    with site.connect() as conn, conn.transaction():
        found = figures(
            conn,
            since=now - timedelta(days=days),
            until=now + timedelta(seconds=1),
            by=cuts,
            now=now,
            timezone=site.settings().timezone,
        )
    body = as_json(found).model_dump(mode="json", by_alias=True)
    return body, as_csv(found) if as_table else _text(found, cuts)


def register(to: typer.Typer) -> None:
    """Add this command."""
    command(to, "figures")(figures_command)
