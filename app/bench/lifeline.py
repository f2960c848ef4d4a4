"""`doorguard bench lifeline`: the database stopped, SOS pressed, the database started again."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from alerts import audit
from alerts.paging.delivery import UNKNOWN
from app.bench import procfs
from app.bench.account import percentile
from app.bench.alarm_stage import Size, Stage, staged
from app.bench.lifeline_people import People
from app.bench.testbed import How, OwnDatabase
from app.site import Site
from core import sql
from core.errors import ConfigurationError, TemporaryError
from simulators.pager import ReceivedPage

PAGED_WITHIN_S = 3.0
_PATIENCE_S = 30.0
_BACK_WITHIN_S = 60.0
_POLL_S = 0.1
_BETWEEN_S = 0.05
_GONE_S = 0.5
_QUERIES = sql.load("app.bench")


def bench(
    site: Site, *, presses: int, away_s: float, how: How = How.STOPPED, kill: bool = False
) -> dict[str, Any]:
    """Press while the database is away, each home once. Raises `DoorGuardError`.

    With `kill` the alarms process is killed when all have been paged, and carries on from its
    journal when it is started again.
    """
    procfs.check()
    if site.database is not None or site.broker is not None:
        raise ConfigurationError("the drill stops its own database, never one that is named")
    with ExitStack() as ending:
        folder = Path(tempfile.mkdtemp(prefix="doorguard-bench-"))
        folder.chmod(0o711)
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        database = OwnDatabase(folder)
        database.start()
        ending.callback(database.stop)
        size = Size(homes=presses + 1, loaders=0, cameras=0)  # the last is called from
        stage = ending.enter_context(staged(database.dsn, size))
        people = People(stage)
        _wait("no roster was written", lambda: knows_all(stage), _PATIENCE_S)
        _take_away(database, how)
        threading.Event().wait(_GONE_S)
        told = _press(stage, presses, away_s, people, kill=kill)
        _give_back(database, how)
        back_s = time.monotonic()
        homes = stage.homes
        _wait("not every incident came in", lambda: _settled(stage, homes), _BACK_WITHIN_S)
        recovered_s = time.monotonic() - back_s
        found = _figures(stage, told, homes[:presses]) | people.after()
        return found | {
            "ok": found["ok"] and found["people_ok"],
            "presses": presses,
            "how": how,
            "away_s": away_s,
            "recovery_s": round(recovered_s, 1),
            "machine": procfs.machine(),
        }


def _take_away(database: OwnDatabase, how: How) -> None:
    if how is How.STOPPED:
        database.stop()
    elif how is How.HANGING:
        database.hang()
    else:
        database.read_only(True)


def _give_back(database: OwnDatabase, how: How) -> None:
    if how is How.STOPPED:
        database.start()
    elif how is How.HANGING:
        database.wake()
    else:
        database.read_only(False)


def _press(
    stage: Stage, presses: int, away_s: float, people: People, *, kill: bool
) -> dict[str, Any]:
    """Press each button once; return when each home's page came, and how many were acknowledged."""
    began_s = time.monotonic()
    pressed: list[tuple[str, int, float]] = []
    for number in range(presses):
        button = stage.buttons[number]
        pressed.append((stage.homes[number], button.press(), time.monotonic()))
        threading.Event().wait(_BETWEEN_S)
    took_ms: list[float] = []
    for name, _, pressed_s in pressed:

        def ours(page: ReceivedPage, name: str = name) -> bool:
            return page.message == "page" and page.body["household"]["name"] == name

        page = stage.pager.wait_page(ours, _PATIENCE_S)
        if page is not None:
            took_ms.append((page.received_at - pressed_s) * 1000)
    acked = sum(
        stage.buttons[number].wait_acked(seq, _PATIENCE_S) is not None
        for number, (_, seq, _) in enumerate(pressed)
    )
    people.call()
    people.accept()
    pid = stage.services.supervisor.pid("alarms")
    if kill and pid is not None:
        os.kill(pid, signal.SIGKILL)
    threading.Event().wait(max(0.0, away_s - (time.monotonic() - began_s)))
    return {"took_ms": took_ms, "acked": acked}


def _figures(stage: Stage, told: dict[str, Any], homes: Sequence[str]) -> dict[str, Any]:
    received = {
        page.key
        for page in stage.pager.pages
        if page.message == "page" and page.body["household"]["name"] in homes
    }
    with stage.services.database.transaction() as conn:
        row = conn.execute(_QUERIES["carried"], {"households": list(homes)}).fetchone()
        keys = conn.execute(
            _QUERIES["page_keys"], {"households": list(homes), "unknown": UNKNOWN}
        ).fetchall()
        problems = audit.verify(conn)
    if row is None:
        raise AssertionError("an aggregate returned no row")
    recorded = [one["key"] for one in keys]
    took_ms: list[float] = told["took_ms"]
    lost = len(homes) - len(took_ms)
    unrecorded = len(received - set(recorded))
    doubled = len(recorded) - len(set(recorded))
    late = sum(ms > PAGED_WITHIN_S * 1000 for ms in took_ms)
    return {
        "ok": (
            lost == late == unrecorded == doubled == 0
            and row["incidents"] == row["homes"] == len(homes)
            and told["acked"] == len(homes)
            and not problems
        ),
        "lost": lost,
        "late": late,
        "acked": told["acked"],
        "incidents": row["incidents"],
        "pages_sent": len(received),
        "pages_unrecorded": unrecorded,
        "pages_doubled": doubled,
        "audit_problems": problems,
        "press_to_page_ms": {
            "p50": round(percentile(took_ms, 0.5), 1),
            "p99": round(percentile(took_ms, 0.99), 1),
            "max": round(max(took_ms, default=0.0), 1),
        },
    }


def knows_all(stage: Stage) -> bool:
    """Say whether every process that has a lifeline has every home in its roster."""
    with stage.services.database.transaction() as conn:
        row = conn.execute(_QUERIES["roster_age"]).fetchone()
    return (
        row is not None and row["homes"] is not None and row["homes"] > len(stage.homes)
    )  # the synthetic one, too


def _settled(stage: Stage, homes: Sequence[str]) -> bool:
    try:
        with stage.services.database.transaction() as conn:
            row = conn.execute(_QUERIES["carried"], {"households": list(homes)}).fetchone()
            left = conn.execute(_QUERIES["still_carried"]).fetchone()
    except TemporaryError:
        return False
    return bool(row and left and row["homes"] == len(homes) and left["carried"] == 0)


def _wait(failed: str, done: Callable[[], bool], patience_s: float) -> None:
    end_s = time.monotonic() + patience_s
    while not done():
        if time.monotonic() > end_s:
            raise TemporaryError(failed)
        threading.Event().wait(_POLL_S)


def as_text(found: dict[str, Any]) -> str:
    """Return the outcome for a person."""
    spread = found["press_to_page_ms"]
    return "\n".join(
        [
            "every alarm paged and recorded once" if found["ok"] else "NOT AS PROMISED",
            (
                f"database {found['how']} for {found['away_s']:g} s, {found['presses']} presses: "
                f"{found['lost']} lost, {found['late']} paged after {PAGED_WITHIN_S:g} s, "
                f"{found['acked']} acknowledged"
            ),
            (
                f"press to page p50 {spread['p50']} ms, p99 {spread['p99']} ms, longest "
                f"{spread['max']} ms"
            ),
            (
                f"{found['incidents']} incidents; {found['pages_sent']} pages sent, "
                f"{found['pages_unrecorded']} unrecorded, {found['pages_doubled']} doubled; "
                f"audit problems: {len(found['audit_problems'])}; all of it in the database "
                f"{found['recovery_s']} s after it was back"
            ),
            (
                "a call from the app was kept, paged and accepted by link meanwhile"
                if found["people_ok"]
                else f"PEOPLE: {found['people']}"
            ),
            found["machine"],
        ]
    )
