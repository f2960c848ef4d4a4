"""`doorguard up`, `run`, `migrate`, `status`: starting, and looking at what runs."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from alerts.rules.loading import rules_of
from app.accounts.users import ensure_administrator
from app.cli.command import Result, command, say
from app.embedded.installation import Installation, reachable_folder
from app.embedded.services import Plan, Services
from app.processes.running import end_on_bug, serve
from app.provision import device_addresses
from app.site import Site
from app.status import as_text, status
from core.clock import SystemClock
from core.migrate import migrate
from core.settings import broker_addresses


class ProcessName(StrEnum):
    """A process that can be run alone, in a container or under systemd, say."""

    ALARMS = "alarms"
    INGEST = "ingest"
    DETECT = "detect"
    APP = "app"
    BROKER = "broker"
    WATCHMAN = "watchman"


def up(
    site: Site,
    *,
    mqtt_port: Annotated[int | None, typer.Option(help="Where devices connect.")] = None,
    http_port: Annotated[int | None, typer.Option(help="Where people connect.")] = None,
    host: Annotated[
        str, typer.Option(help="Address of the MQTT listener; beyond loopback it needs TLS.")
    ] = "127.0.0.1",
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate of the MQTT listener.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key.")] = None,
    device_host: Annotated[
        str | None,
        typer.Option(help="How devices reach the broker: a host, or host:port,… for its nodes."),
    ] = None,
    brokers: Annotated[
        int, typer.Option(help="Nodes of the broker: 1, 3 or 5; three survive the loss of one.")
    ] = 1,
    workers: Annotated[
        int, typer.Option(help="Ingest processes; they divide the devices.", min=1, max=64)
    ] = 1,
    alarms: Annotated[
        int, typer.Option(help="Alarms processes; one goes on when another dies.", min=1, max=8)
    ] = 1,
    detect_workers: Annotated[
        int, typer.Option(help="Detect processes; they divide the cameras.", min=1, max=64)
    ] = 1,
    public_url: Annotated[
        str | None, typer.Option(help="How responders reach the app; stands in page links.")
    ] = None,
) -> Result:
    """Start everything on this machine, watch over it, stop it on Ctrl-C."""
    threading.excepthook = end_on_bug
    clock = SystemClock()
    installation = Installation(site.folder)
    installation.lock()
    services = Services(
        installation,
        Plan(
            broker=site.broker,
            database=site.database,
            mqtt_port=mqtt_port,
            http_port=http_port,
            host=host,
            tls_cert=str(tls_cert.absolute()) if tls_cert else None,
            tls_key=str(tls_key.absolute()) if tls_key else None,
            public_url=public_url,
            device_host=device_host,
            brokers=brokers,
            workers=workers,
            detect_workers=detect_workers,
            alarms=alarms,
        ),
        clock=clock,
        on_line=lambda name, line: say(f"{name:<8} | {line}"),
        progress=lambda text: say(f"doorguard: {text}"),
        reachable=reachable_folder(),
    )
    stop = threading.Event()

    def ask_to_stop(*_: object) -> None:
        stop.set()
        services.interrupt()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask_to_stop)
    with services:
        rules_of(services.settings)  # said once here, not by each process again and again
        services.start()
        with services.database.transaction() as conn:
            administrator = ensure_administrator(conn)
        say(f"doorguard: serving. Screens and API: {services.settings.public_url}")
        tls = broker_addresses(services.settings.broker)[0].tls
        how = "TLS" if tls else "no TLS: this machine only"
        named = [f"{one.host}:{one.port}" for one in device_addresses(services.settings)]
        say(f"doorguard: devices connect to {' or '.join(named)} ({how})")
        if administrator:
            say(f"doorguard: first start. Sign in as {administrator[0]} with {administrator[1]}")
            say("doorguard: this password is shown once and stored nowhere.")
        stop.wait()
        say("doorguard: stopping")
    installation.unlock()
    return {"ok": True, "stopped": True}, ""


def migrate_command(site: Site) -> Result:
    """Bring the database to the newest schema."""
    applied = migrate(site.dsn())
    text = "\n".join(f"applied {name}" for name in applied) or "nothing to apply"
    return {"applied": applied}, text


def status_command(site: Site) -> Result:
    """Tell what runs, versions, lag, rejects and the last synthetic SOS."""
    with site.connect() as conn:
        found = status(conn, datetime.now(UTC))
    return found, as_text(found)


def run_command(site: Site, process: Annotated[ProcessName, typer.Argument()]) -> Result:
    """Run one process in the foreground, until a signal."""
    serve(str(process), site.settings())
    return {"ok": True, "process": str(process)}, ""


def register(to: typer.Typer) -> None:
    """Add these commands."""
    command(to, "up")(up)
    command(to, "run")(run_command)
    command(to, "migrate")(migrate_command)
    command(to, "status")(status_command)
