"""`doorguard bench kill-alarms`: the alarms process killed again and again while SOS are pressed.

Every home presses once. The nearest responder never answers, so that every incident escalates; the
next accepts. What is promised: each press paged, each page recorded, one incident a press, and no
timer late by more than 5 s.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from alerts import audit
from alerts.paging.delivery import UNKNOWN
from app.bench import procfs
from app.bench.account import percentile
from app.bench.alarm_stage import Size, Stage, staged
from app.site import Site
from core import liveness, sql
from core.errors import ConfigurationError, TemporaryError

LATE_AFTER_S = 5.0
_RESPONDERS = 3
_LIVES_S = (0.0, 3.0)  # from the moment a process serves again to its death
_STARTS_WITHIN_S = 60.0
_A_KILL_S = 3.0  # the start of a process, and half the longest that it lives
_PRESSED_IN = 0.8  # of the time the kills take; they go on while the last incidents escalate
_PATIENCE_S = 60.0
_POLL_S = 0.1
_QUERIES = sql.load("app.bench")


def bench(site: Site, *, presses: int, kills: int, alarms: int, seed: int) -> dict[str, Any]:
    """Press once at each of `presses` homes while alarms processes are killed with -9.

    Of several, one is killed for good half-way; the others are started again by the supervisor,
    as always. Raises `DoorGuardError`.
    """
    procfs.check()
    if site.database is not None or site.broker is not None:
        raise ConfigurationError("the drill kills its own processes, never those that are named")
    with ExitStack() as ending:
        stage = ending.enter_context(
            staged(size=Size(presses, _RESPONDERS, loaders=0, cameras=0, alarms=alarms))
        )
        for pager in stage.pagers[1:]:
            pager.answer = "accept"
        killer = _Killer(stage, kills=kills, alarms=alarms, seed=seed)
        pressed = _press(stage, killer, seed)
        acked = sum(
            button.wait_acked(seq, _PATIENCE_S) is not None
            for button, (seq, _) in zip(stage.buttons, pressed, strict=True)
        )
        killer.wait()
        _wait_quiet(stage)
        return _figures(stage, pressed, killer, acked) | {
            "presses": presses,
            "alarms": alarms,
            "machine": procfs.machine(),
        }


class _Killer:
    """Kills a random one of the processes that run, at random moments, in a thread of its own."""

    def __init__(self, stage: Stage, *, kills: int, alarms: int, seed: int) -> None:
        self._supervisor = stage.services.supervisor
        self._database = stage.services.database
        self._names = ["alarms", *(f"alarms-{number}" for number in range(2, alarms + 1))]
        self._chance = random.Random(seed)
        self._thread = threading.Thread(target=self._run, name="killer")
        self.kills = kills
        self.killed = 0
        self.for_good: str | None = None

    def start(self) -> None:
        self._thread.start()

    def wait(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while self.killed < self.kills:
            victim = self._chance.choice(self._names)
            self._wait_serving(victim)
            threading.Event().wait(self._chance.uniform(*_LIVES_S))
            if len(self._names) > 1 and self.killed >= self.kills // 2:
                self.for_good = victim
                self._names.remove(self.for_good)
                self._supervisor.remove(self.for_good)
                self.killed += 1
                continue
            pid = self._supervisor.pid(victim)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                self.killed += 1

    def _wait_serving(self, name: str) -> None:
        """Wait until a process has said that it lives since it was started last."""
        end_s = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < end_s:
            with self._database.transaction() as conn:
                alive = {row["pid"] for row in liveness.beats(conn)}
            if self._supervisor.pid(name) in alive:
                return
            threading.Event().wait(_POLL_S)


def _press(stage: Stage, killer: _Killer, seed: int) -> list[tuple[int, float]]:
    """Press every button while processes are killed; return (seq, when) of each."""
    chance = random.Random(seed + 1)
    between_s = _PRESSED_IN * _A_KILL_S * killer.kills / len(stage.buttons)
    killer.start()
    pressed: list[tuple[int, float]] = []
    for button in stage.buttons:
        pressed.append((button.press(), time.monotonic()))
        threading.Event().wait(chance.uniform(0.0, 2.0 * between_s))
    return pressed


def _wait_quiet(stage: Stage) -> None:
    """Wait until every incident has escalated at least once and no message waits to be sent."""
    homes = stage.homes
    end_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end_s:
        with stage.services.database.transaction() as conn:
            row = conn.execute(_QUERIES["drilled"], {"households": homes}).fetchone()
        if row and row["escalated"] == len(homes) and row["waiting"] == 0:
            return
        threading.Event().wait(_POLL_S)


def _figures(
    stage: Stage, pressed: Sequence[tuple[int, float]], killer: _Killer, acked: int
) -> dict[str, Any]:
    homes = stage.homes
    first_s: dict[str, float] = {}
    received: set[str] = set()
    repeats = 0
    for pager in stage.pagers:
        for page in (one for one in pager.pages if one.message == "page"):
            home = page.body["household"]["name"]
            first_s[home] = min(page.received_at, first_s.get(home, page.received_at))
            received.add(page.key)
            repeats += page.repeats
    took_ms = [
        (first_s[home] - pressed_s) * 1000
        for home, (_, pressed_s) in zip(homes, pressed, strict=True)
        if home in first_s
    ]
    with stage.services.database.transaction() as conn:
        values = {"households": homes, "late": LATE_AFTER_S}
        counted = conn.execute(_QUERIES["drilled"], values).fetchone()
        timers = conn.execute(_QUERIES["timers_late"], values).fetchone()
        keys = conn.execute(
            _QUERIES["page_keys"], {"households": homes, "unknown": UNKNOWN}
        ).fetchall()
        problems = audit.verify(conn)
    if counted is None or timers is None:
        raise TemporaryError("an aggregate returned no row")
    lost, unrecorded = len(homes) - len(took_ms), len(received - {one["key"] for one in keys})
    return {
        "ok": (
            lost == unrecorded == timers["late"] == 0
            and counted["incidents"] == counted["escalated"] == acked == len(homes)
            and killer.killed == killer.kills
            and not problems
        ),
        "kills": killer.killed,
        "killed_for_good": killer.for_good,
        "lost": lost,
        "acked": acked,
        "incidents": counted["incidents"],
        "escalated": counted["escalated"],
        "pages_sent": len(received),
        "pages_unrecorded": unrecorded,
        "pages_repeated": repeats,
        "timers_fired": timers["fired"],
        "timers_late": timers["late"],
        "latest_timer_s": round(timers["latest_s"], 2),
        "audit_problems": problems,
        "press_to_page_ms": {
            "p50": round(percentile(took_ms, 0.5), 1),
            "p99": round(percentile(took_ms, 0.99), 1),
            "max": round(max(took_ms, default=0.0), 1),
        },
    }


def as_text(found: dict[str, Any]) -> str:
    """Return the outcome for a person."""
    spread = found["press_to_page_ms"]
    good = found["killed_for_good"]
    return "\n".join(
        [
            "every alarm paged, recorded and escalated" if found["ok"] else "NOT AS PROMISED",
            (
                f"{found['presses']} presses, {found['alarms']} alarms process(es) killed "
                f"{found['kills']} times{f', {good} for good' if good else ''}: "
                f"{found['lost']} lost, {found['acked']} acknowledged"
            ),
            (
                f"press to page p50 {spread['p50']} ms, p99 {spread['p99']} ms, longest "
                f"{spread['max']} ms"
            ),
            (
                f"{found['incidents']} incidents; {found['pages_sent']} pages sent, "
                f"{found['pages_unrecorded']} unrecorded, {found['pages_repeated']} repeated under "
                f"their key; {found['timers_fired']} timers fired, {found['timers_late']} late by "
                f"more than {LATE_AFTER_S:g} s, the latest by {found['latest_timer_s']} s; audit "
                f"problems: {len(found['audit_problems'])}"
            ),
            found["machine"],
        ]
    )
