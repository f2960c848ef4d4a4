"""`doorguard demo`: the whole product on temporary services, with a story."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app import chromium
from app.accounts.users import ensure_administrator
from app.cli.command import Result, command, say
from app.demo.expectations import Expectations
from app.embedded.installation import Installation
from app.embedded.services import Plan, Services
from app.site import Site
from core.clock import SystemClock
from core.errors import DoorGuardError

_LOG_LINES = 30


def demo(
    site: Site,
    *,
    video: Annotated[
        Path | None, typer.Option(help="Replay this video at the camera instead of a scene.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when the story has played.")] = False,
    screens: Annotated[
        Path | None,
        typer.Option(help="Take pictures of the screens into this folder, then end."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the processes' logs.")] = False,
) -> Result:
    """Show the whole path: camera and button to database, screen and pager. Leaves nothing behind.

    Three homes: somebody loiters at a door, an SOS button is pressed, a resident comes home.
    """
    folder = Path(tempfile.mkdtemp(prefix="doorguard-demo-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    log: deque[str] = deque(maxlen=_LOG_LINES)

    def on_line(name: str, line: str) -> None:
        log.append(f"{name:<8} | {line}")
        if verbose:
            say(log[-1])

    try:
        expectations = _play(
            site, folder, video, on_line, once=once or screens is not None, screens=screens
        )
    except DoorGuardError:
        if not verbose:
            say("\n  ".join(["the last lines of the processes' logs:", *log]))
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _outcome(expectations, once=once)


def _play(
    site: Site,
    folder: Path,
    video: Path | None,
    on_line: Callable[[str, str], None],
    *,
    once: bool,
    screens: Path | None,
) -> Expectations:
    """Start everything in `folder`, play the story, stop everything."""
    from app.demo import screens as taking
    from app.demo.story import Story  # loads OpenCV, which no other command needs

    if screens is not None:
        chromium.program()
    stop = threading.Event()
    clock = SystemClock()
    services = Services(
        Installation(folder),
        Plan(broker=site.broker, database=site.database, durable=False),
        clock=clock,
        on_line=on_line,
        progress=lambda text: say(f"  {text} …"),
        reachable=folder,
    )

    def ask_to_stop(*_: object) -> None:
        stop.set()
        services.interrupt()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask_to_stop)
    with services:
        say("Door Guard demo")
        services.start()
        with services.database.transaction() as conn:
            administrator = ensure_administrator(conn)
        url = services.settings.public_url
        say(f"  operator's board  {url}/")
        if administrator:
            say(f"    sign in as      {administrator[0]}   password {administrator[1]}")
        say(f"  API documentation {url}/docs")

        def take(home: str) -> None:
            if screens is not None:
                taking.take(
                    services.settings, services.database, clock, screens, home=home, tell=say
                )

        shared = site.broker or site.database
        story = Story(
            services.settings,
            services.database,
            clock,
            video=video,
            suffix=f"-{int(time.time()) % 10**6}" if shared else "",
            tell=say,
            stop=stop,
            at_end=take,
        )
        story.play(once=once)
        say("stopping …")
    return story.expectations


def _outcome(expectations: Expectations, *, once: bool) -> Result:
    result = expectations.as_dict()
    for item in result["expectations"]:
        held = "held" if item["held"] else "FAILED" if once else "not yet"
        took = f"{item['ms']:>9.0f} ms" if item["ms"] is not None else " " * 12
        say(f"  {held:<7} {item['name']:<26}{took}  {item.get('detail', '')}")
    if expectations.ok:
        return result, "every expectation held"
    if once:
        return result, "NOT every expectation held"
    return {**result, "ok": True}, "stopped before the story's end"


def register(to: typer.Typer) -> None:
    """Add this command."""
    command(to, "demo")(demo)
