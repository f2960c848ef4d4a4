"""`doorguard audit …`: are the logs, and is an exported incident, what was written?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alerts import audit as chains
from alerts import export, export_check
from alerts.audit_seals import Head, Report, last_head, read_head, seal_key, verify
from app.cli.command import Result, command
from app.processes.sealing import HEAD_FILE
from app.site import Site
from core.errors import ConfigurationError
from core.settings import Settings

audit = typer.Typer(help="Check the logs, and what was exported.", no_args_is_help=True)
_Head = Annotated[
    str | None,
    typer.Option("--head", metavar="N:MAC", help="What `audit head` said once, kept elsewhere."),
]


def _settings(site: Site) -> Settings | None:
    try:
        return site.settings()
    except ConfigurationError:
        return None


def _said(report: Report | None) -> str:
    if report is None:
        return "The seals were not checked: DOORGUARD_SERVICE_KEY and the other settings are needed"
    if report.head is None:
        return "No seal was made yet"
    waiting = f", {report.waiting} lines wait since {report.waiting_since}"
    return f"{report.seals} seals, the newest of {report.sealed_at}" + (
        waiting if report.waiting else ", nothing waits for one"
    )


@command(audit, "verify")
def verify_command(site: Site, *, head: _Head = None) -> Result:
    """Find a line of the logs that was altered, removed, cut off or put elsewhere."""
    settings = _settings(site)
    report = None
    with site.connect() as conn:
        problems = chains.verify(conn)
        if settings is not None:
            kept = read_head(settings.state_folder / HEAD_FILE)
            known = [one for one in (kept, Head.parse(head) if head else None) if one]
            report = verify(conn, key=seal_key(settings.service_key), known=known)
            problems += report.problems
    result = {
        "ok": not problems,
        "problems": problems,
        "seals": report and report.seals,
        "head": report and report.head and str(report.head),
        "sealed_at": report and report.sealed_at,
        "waiting": report and report.waiting,
    }
    return result, "\n".join([*(problems or ["both logs are whole"]), _said(report)])


@command(audit, "head")
def head_command(site: Site) -> Result:
    """Say which seal is the newest; keep it elsewhere, and give it to `verify --head` later."""
    with site.connect() as conn:
        head = last_head(conn)
    return {"head": head and str(head)}, str(head or "no seal was made yet")


@command(audit, "public-key")
def public_key_command(site: Site) -> Result:
    """Print the key by which others check exported incidents."""
    settings = site.settings()
    key = export.public_key(export.signing_key(settings.export_key or settings.service_key))
    return {"public_key": key}, key


@command(audit, "verify-export")
def verify_export_command(
    site: Site,  # noqa: ARG001 - needs nothing but the file
    file: Annotated[Path, typer.Argument(help="The archive.")],
    *,
    key: Annotated[str, typer.Option("--key", help="What `audit public-key` printed, or a file.")],
) -> Result:
    """Check an exported incident, on any machine."""
    text = Path(key).read_text(encoding="utf-8") if Path(key).is_file() else key
    try:
        archive = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error
    manifest, problems = export_check.check(archive, export_check.read_public_key(text))
    said = (
        f"incident {manifest['incident_id']}, exported by {manifest['exported_by']} at "
        f"{manifest['exported_at']}: as it was signed"
    )
    result = {"ok": not problems, "problems": problems, "manifest": manifest}
    return result, "\n".join(problems) or said
