"""`doorguard incident …`: one incident as a file."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from alerts import export
from app.cli.command import Result, command
from app.site import Site
from core.errors import ConfigurationError
from core.objects import Objects

incident = typer.Typer(help="Incidents.", no_args_is_help=True)


@command(incident, "export")
def export_command(
    site: Site,
    incident_id: Annotated[int, typer.Argument(metavar="ID")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; incident-ID.zip without it.")
    ] = None,
) -> Result:
    """Write the whole incident, signed: log, pages, evidence. The look is logged."""
    settings = site.settings()
    file = out or Path(f"incident-{incident_id}.zip")
    if file.exists():
        raise ConfigurationError(f"{file} exists; name another with --out")
    actor = f"cli:{getpass.getuser()}"
    with site.connect() as conn, conn.transaction():
        found = export.read(conn, incident_id, actor=actor, now=datetime.now(UTC))
    key = export.signing_key(settings.export_key or settings.service_key)
    body = export.archive(found, Objects(settings.objects).get, key)
    try:
        # of its owner alone: it holds a home's address and pictures of its door
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as to:
            to.write(body)
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error
    pictures = len(found.evidence) + len(found.photos)
    said = f"{file}: {len(found.files)} files and {pictures} pictures"
    return {"file": str(file), "incident_id": incident_id, "size_bytes": len(body)}, said
