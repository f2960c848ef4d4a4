"""`doorguard simulate`: many homes living an evening against a running system, with an account."""

from __future__ import annotations

import math
import signal
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from app.bench.account import out_of_order
from app.cli.command import Result, command, say
from app.provision import simulated
from app.site import Site
from core import sql
from gateway import registry
from households.homes import Home, add_household, remove_household
from simulators.connection import Credentials
from simulators.fleet import Report
from simulators.fleets import Fleets

_QUERIES = sql.load("app.demo")
_LEARN_S = 1.5  # the broker learns of new devices; sooner they would be turned away once
_EVENTS_S_OF_A_PROCESS = 1000.0  # what one process of devices can do beside others
_LAT, _LON = 37.55, 126.98  # homes are strewn around the middle of Seoul


def simulate(
    site: Site,
    *,
    homes: Annotated[int, typer.Option(help="How many homes.", min=1, max=5000)] = 20,
    scenario: Annotated[str, typer.Option(help="What they live through.")] = "evening",
    duration_s: Annotated[float, typer.Option(help="Real seconds to play.", min=1)] = 60.0,
    speed: Annotated[float, typer.Option(help="Scenario seconds a real second.", min=0.1)] = 60.0,
    drain_s: Annotated[float, typer.Option(help="Wait this long for the last acks.")] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed, the same evening.")] = 1,
    rate: Annotated[
        float | None,
        typer.Option(help="Events a second of all homes together; the scenario is `steady` then."),
    ] = None,
) -> Result:
    """Play a scenario and compare what devices sent with what is stored: none lost, none doubled.

    The homes are added (`sim-…`) and removed again at the end; their history stays.
    """
    if rate is not None:
        scenario, speed = "steady", rate / homes  # a home reports once a scenario second
    settings = site.settings()
    stamp = datetime.now(UTC).strftime("%m%d%H%M%S")
    credentials: list[tuple[str, Credentials]] = []
    households: list[str] = []
    say(f"adding {homes} homes")
    with site.connect() as conn:
        for number in range(homes):
            household = f"sim-{stamp}-{number:04}"
            households.append(household)
            lat, lon = _LAT + (number % 50) * 0.001, _LON + (number // 50) * 0.001
            add_household(conn, Home(household, household, lat, lon, district="Simulated"))
            for kind in ("camera", "button"):
                made = registry.add_device(
                    conn,
                    f"{household}-{kind}",
                    household_id=household,
                    kind=kind,
                    now=datetime.now(UTC),
                )
                who = simulated(made, settings)
                credentials.append((kind, who))
    time.sleep(_LEARN_S)
    say(f"playing {scenario} for {duration_s:g} s at {speed:g} times the pace")
    fleets = Fleets(credentials, scenario, seed, processes=_processes(rate))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: fleets.stop())
    report = fleets.run(duration_s, speed, drain_s=drain_s)
    with site.connect() as conn:
        result = _account(conn, report)
        for _, who in credentials:
            registry.remove_device(conn, who.device, now=datetime.now(UTC))
        for household in households:
            remove_household(conn, household, now=datetime.now(UTC))
    if report.connected < report.devices:
        say(f"only {report.connected} of {report.devices} devices are connected")
    text = "\n".join(f"{key:<12} {value}" for key, value in result.items())
    return result, text


def _processes(rate: float | None) -> int:
    return 1 if rate is None else math.ceil(rate / _EVENTS_S_OF_A_PROCESS)


def _account(conn: Any, report: Report) -> dict[str, Any]:
    """Compare with the database; `lost` counts acknowledged or sent events that are not there."""
    rows = conn.execute(_QUERIES["stored_seqs"], {"devices": list(report.seqs)}).fetchall()
    stored = {row["device_id"]: row["seqs"] for row in rows}
    lost = doubled = strangers = 0
    for device, seqs in report.seqs.items():
        owed = set(report.unacked_seqs.get(device, []))
        there = stored.get(device, [])
        lost += len(set(seqs) - set(there) - owed)
        doubled += len(there) - len(set(there))
        strangers += len(set(there) - set(seqs))
    overtook = out_of_order(conn, list(report.seqs))
    return {
        "ok": not (lost or doubled or strangers or overtook or report.unacked or report.rejected),
        "devices": report.devices,
        "connected": report.connected,
        "sent": report.sent,
        "acked": report.acked,
        "unacked": report.unacked,
        "rejected": report.rejected,
        "resent": report.resent,
        "reconnects": report.reconnects,
        "stored": sum(map(len, stored.values())),
        "lost": lost,
        "doubled": doubled,
        "not_sent": strangers,
        "out_of_order": overtook,
    }


def register(to: typer.Typer) -> None:
    """Add this command."""
    command(to, "simulate")(simulate)
