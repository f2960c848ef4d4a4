"""`doorguard bench`: what this machine takes, measured, and drills that break things on purpose."""

from __future__ import annotations

import signal
from enum import StrEnum
from typing import Annotated

import typer

from app.bench import drills
from app.bench import ingest as ingest_bench
from app.bench.testbed import How
from app.cli.bench_detect import bench_detect
from app.cli.command import Result, command, say
from app.site import Site

bench = typer.Typer(help="Measurements and drills on temporary services.", no_args_is_help=True)


class Receive(StrEnum):
    """How the ingest process reads from the broker."""

    BULK = "bulk"
    PLAIN = "plain"


Workers = Annotated[int, typer.Option(help="Ingest processes.", min=1, max=64)]
Rate = Annotated[
    float | None, typer.Option(help="Events a second; as fast as it goes when not given.", min=0.1)
]


def ingest(
    site: Site,
    *,
    events: Annotated[int, typer.Option(help="How many.", min=100)] = 300_000,
    workers: Workers = 1,
    rate: Rate = None,
    receive: Annotated[Receive, typer.Option(help="Bulk, or paho as shipped.")] = Receive.BULK,
    compare: Annotated[
        bool, typer.Option("--compare", help="Run it once more with paho as shipped.")
    ] = False,
) -> Result:
    """Measure event ingest: the database's limit, the writer alone, the whole path.

    Services and data are temporary, unless --database or --broker name others.
    """
    _stop_cleanly()
    say("measuring; this takes a minute")
    wanted = ingest_bench.Wanted(
        events=events, workers=workers, rate=rate, receive=receive, compare=compare
    )
    found = ingest_bench.bench(site, wanted)
    return found, ingest_bench.as_text(found)


def outage(
    site: Site,
    *,
    seconds: Annotated[float, typer.Option(help="How long the database is away.", min=1)] = 60.0,
    rate: Annotated[float, typer.Option(help="Events a second.", min=1)] = 3000.0,
) -> Result:
    """Stop the database under load and start it again: every event once, in order."""
    _stop_cleanly()
    say(f"the database will be away for {seconds:g} s")
    found = drills.outage(site, seconds=seconds, rate=rate)
    return found, drills.as_text(found)


def failover(
    site: Site,
    *,
    workers: Workers = 2,
    brokers: Annotated[int, typer.Option(help="Nodes of the broker; above 1 they die.")] = 1,
    kills: Annotated[int, typer.Option(help="How often.", min=1)] = 10,
    rate: Annotated[float, typer.Option(help="Events a second.", min=1)] = 10_000.0,
) -> Result:
    """Kill workers (or with --brokers 3 the broker's nodes) under load: every event once."""
    _stop_cleanly()
    say(f"killing {kills} times")
    found = drills.failover(site, workers=workers, brokers=brokers, kills=kills, rate=rate)
    return found, drills.as_text(found)


def alarm(
    site: Site,
    *,
    presses: Annotated[int, typer.Option(help="How many, one after the other.", min=1)] = 100,
    load: Annotated[
        bool, typer.Option("--load", help="As many again, with the event lane saturated.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the moments of the presses.", min=0)] = 1,
) -> Result:
    """Press SOS through the real path: times to the ack, the page and a connected board."""
    from app.bench import alarm as alarm_bench  # loads OpenCV, which few commands need

    _stop_cleanly()
    say(f"pressing {presses} times; half a second each")
    found = alarm_bench.bench(site, presses=presses, load=load, seed=seed)
    return found, alarm_bench.as_text(found)


def board(
    site: Site,
    *,
    minutes: Annotated[float, typer.Option(help="How long it stays open.", min=0.5)] = 120.0,
    rate: Annotated[float, typer.Option(help="New incidents a minute.", min=0.1)] = 5.0,
) -> Result:
    """Leave a board open in Chromium while incidents come and go: nothing missed, memory flat."""
    from app.bench import board as board_bench

    _stop_cleanly()
    say(f"a board stays open for {minutes:g} minutes")
    found = board_bench.bench(site, minutes=minutes, rate=rate)
    return found, board_bench.as_text(found)


def lifeline(
    site: Site,
    *,
    presses: Annotated[int, typer.Option(help="How many, a home each.", min=1)] = 20,
    away: Annotated[float, typer.Option(help="Seconds the database is away.", min=1)] = 20.0,
    how: Annotated[How, typer.Option(help="Stopped, hanging or refusing writes.")] = How.STOPPED,
    kill: Annotated[
        bool, typer.Option("--kill", help="Kill the alarms process meanwhile, too.")
    ] = False,
) -> Result:
    """Stop the database, press SOS, start it again: all paged at once, recorded once."""
    from app.bench import lifeline as lifeline_bench

    _stop_cleanly()
    say(f"the database will be away for {away:g} s")
    found = lifeline_bench.bench(site, presses=presses, away_s=away, how=how, kill=kill)
    return found, lifeline_bench.as_text(found)


def kill_alarms(
    site: Site,
    *,
    presses: Annotated[int, typer.Option(help="How many, a home each.", min=1)] = 200,
    kills: Annotated[int, typer.Option(help="How often, with -9.", min=1)] = 50,
    alarms: Annotated[
        int, typer.Option(help="Alarms processes; of several one dies for good.", min=1, max=8)
    ] = 1,
    seed: Annotated[int, typer.Option(help="Of the moments.", min=0)] = 1,
) -> Result:
    """Kill alarms processes while SOS are pressed: all paged, recorded, escalated in time."""
    from app.bench import kill_alarms as drill

    _stop_cleanly()
    say(f"killing {kills} times; some three seconds each")
    found = drill.bench(site, presses=presses, kills=kills, alarms=alarms, seed=seed)
    return found, drill.as_text(found)


def live(
    site: Site,
    *,
    clicks: Annotated[int, typer.Option(help="How many, one after the other.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Of the moments of the clicks.", min=0)] = 1,
) -> Result:
    """Look through doors: times from the click to the first picture."""
    from app.bench import live as live_bench

    _stop_cleanly()
    say(f"looking {clicks} times; some two seconds each")
    found = live_bench.bench(site, clicks=clicks, seed=seed)
    return found, live_bench.as_text(found)


def ranking(
    site: Site,  # noqa: ARG001 - every command takes one
    *,
    responders: Annotated[int, typer.Option(help="How many.", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="Of where they are.", min=0)] = 1,
) -> Result:
    """Measure the ranking of responders for one home."""
    from app.bench import ranking as ranking_bench

    found = ranking_bench.bench(responders, seed)
    return found, ranking_bench.as_text(found)


def cameras(
    site: Site,
    *,
    cameras: Annotated[int, typer.Option(help="Door cameras, 1080p at 5 fps.", min=1)] = 6,
    minutes: Annotated[float, typer.Option(help="How long.", min=0.5)] = 10.0,
    seed: Annotated[int, typer.Option(help="Of the moments of the presses.", min=0)] = 1,
) -> Result:
    """Film loiterers through MQTT and press SOS every 10 s: nothing lost, nobody missed."""
    from app.bench import cameras as cameras_bench

    _stop_cleanly()
    say(f"{cameras} cameras for {minutes:g} min, and a minute around it")
    found = cameras_bench.bench(site, cameras=cameras, minutes=minutes, seed=seed)
    return found, cameras_bench.as_text(found)


def _stop_cleanly() -> None:
    """Let a signal unwind the `with` blocks, which end and remove what was started."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def register(to: typer.Typer) -> None:
    """Add these commands."""
    to.add_typer(bench, name="bench")
    command(bench, "ingest")(ingest)
    command(bench, "outage")(outage)
    command(bench, "failover")(failover)
    command(bench, "alarm")(alarm)
    command(bench, "lifeline")(lifeline)
    command(bench, "kill-alarms")(kill_alarms)
    command(bench, "live")(live)
    command(bench, "ranking")(ranking)
    command(bench, "board")(board)
    command(bench, "detect")(bench_detect)
    command(bench, "cameras")(cameras)
