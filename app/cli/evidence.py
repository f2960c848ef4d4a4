"""`doorguard evidence list | export`: a case for the police, say, with the look in the log."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from alerts.audit import record_access
from app.cli.command import Result, command, table
from app.evidence.drawing import annotated_jpeg
from app.evidence.film import film
from app.evidence.reading import read_manifest, read_picture
from app.site import Site
from core import sql
from core.database import Connection
from core.errors import ConfigurationError, NotFound
from core.objects import Objects

evidence = typer.Typer(no_args_is_help=True, help="What was kept of those who loitered.")
_QUERIES = sql.load("app.evidence")
_MOST = 500

Home = Annotated[str, typer.Option("--household", metavar="H", help="The home it was at.")]


@command(evidence, "list")
def list_command(
    site: Site,
    *,
    household_id: Home,
    days: Annotated[int, typer.Option(min=1, max=400, help="So many days until now.")] = 30,
) -> Result:
    """List the cases of a home, newest first."""
    with site.connect() as conn:
        rows = _cases(conn, household_id, days, "list")
    found = [{**row, "at": row["at"].astimezone(UTC).isoformat()} for row in rows]
    return {"cases": found}, table(found, ["at", "device_id", "case", "zone"], "no cases")


@command(evidence, "export")
def export_command(
    site: Site,
    case: Annotated[str, typer.Argument(metavar="CASE", help="As `evidence list` names it.")],
    *,
    household_id: Home,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder for it.")],
) -> Result:
    """Write manifest, originals, drawn copies and a film of a case into a folder of its own."""
    settings = site.settings()
    with site.connect() as conn:
        rows = _cases(conn, household_id, 400, f"export {case}")
    device = next((row["device_id"] for row in rows if row["case"] == case), None)
    if device is None:
        raise NotFound(f"no case {case} of {household_id}")
    objects = Objects(settings.objects)
    manifest = read_manifest(objects, device, case, settings.service_key)
    try:
        out.mkdir(mode=0o700)
        for folder in ("originals", "drawn"):
            (out / folder).mkdir()
        for picture in manifest.pictures:
            body = read_picture(objects, picture.key, picture.sha256)
            name = f"{picture.captured_at:%Y%m%dT%H%M%S.%fZ}-{picture.sha256[:12]}.jpg"
            (out / "originals" / name).write_bytes(body)
            drawn = annotated_jpeg(body, picture, manifest.track, settings.timezone)
            (out / "drawn" / name).write_bytes(drawn)
        (out / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        if manifest.pictures:
            body = film(objects, manifest, timezone=settings.timezone)
            (out / "film.mp4").write_bytes(body)
    except OSError as error:
        raise ConfigurationError(f"--out {out}: {error}") from None
    result = {"case": case, "device": device, "pictures": len(manifest.pictures), "out": str(out)}
    return result, f"{len(manifest.pictures)} pictures of {case} in {out}"


def _cases(conn: Connection, household_id: str, days: int, what: str) -> list[dict[str, Any]]:
    """Return a home's cases; the look stands in the log before anything is shown."""
    now = datetime.now(UTC)
    given = {"household_id": household_id, "since": now - timedelta(days=days), "limit": _MOST}
    rows = conn.execute(_QUERIES["cases"], given).fetchall()
    record_access(
        conn,
        actor=f"cli:{getpass.getuser()}",
        action="evidence",
        household_id=household_id,
        now=now,
        detail={"reason": what},
    )
    return rows
