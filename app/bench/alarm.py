"""`doorguard bench alarm`: from the press of an SOS button to commit, ack, page and board.

Everything on the way is real: a button that speaks MQTT, all processes, a webhook to a pager, a
board connected as a browser is. With a load the event lane is saturated meanwhile, and cameras
send pictures.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.bench import procfs
from app.bench.account import percentile
from app.bench.alarm_stage import CAMERAS, HOMES, Stage, loaded, staged, window
from app.bench.board_window import BoardWindow
from app.bench.commit_watch import CommitWatch
from app.site import Site
from core.errors import ConfigurationError
from core.precedence import step_back, thread_ahead
from core.supervisor import THREAD as SUPERVISOR
from simulators.button import Button
from simulators.pager import ReceivedPage

_LOST_AFTER_S = 10.0
_PAUSE_S = (0.05, 0.6)  # random, so that no press meets the same phase of anything
_WARM_UP = 5  # presses that do not count: first pages open connections


@dataclass(slots=True)
class Times:
    """Milliseconds from the press, of those that arrived; `lost` are presses with one missing."""

    commit: list[float] = field(default_factory=list)
    ack: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    board: list[float] = field(default_factory=list)
    lost: int = 0

    def figures(self) -> dict[str, Any]:
        """Return the percentiles. The commit is seen by a connection that listens."""
        return {
            "lost": self.lost,
            "press_to_commit_ms": _spread(self.commit),
            "press_to_ack_ms": _spread(self.ack),
            "press_to_page_ms": _spread(self.page),
            "press_to_board_ms": _spread(self.board),
        }


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "p50": round(percentile(values, 0.5), 1),
        "p99": round(percentile(values, 0.99), 1),
        "max": round(max(values, default=0.0), 1),
    }


@dataclass(frozen=True, slots=True)
class Seen:
    """From where a press is watched."""

    stage: Stage
    board: BoardWindow
    commits: CommitWatch


@contextmanager
def watching(stage: Stage) -> Iterator[Seen]:
    """Watch a stage's board and commits.

    Button, pager and browser are other machines: they do not wait for this one's processor. The
    database is as one in service for long.
    """
    stage.services.fill_log()
    with window(stage) as board, CommitWatch(stage.services.database) as commits:
        _instruments_ahead()
        try:
            yield Seen(stage, board, commits)
        finally:
            step_back()  # the others end with the stage


def _instruments_ahead() -> None:
    """With the threads they start, but not with what is started here: processes, cameras."""
    for thread in threading.enumerate():
        if thread.native_id is not None:
            starts = thread is threading.main_thread() or thread.name == SUPERVISOR
            thread_ahead(thread.native_id, alone=starts)


def bench(site: Site, *, presses: int, load: bool, seed: int) -> dict[str, Any]:
    """Press `presses` times, with `load` as often again under it. Raises `DoorGuardError`."""
    procfs.check()
    if site.database is not None or site.broker is not None:
        raise ConfigurationError("the bench presses SOS: it uses services of its own, never others")
    with staged() as stage, watching(stage) as seen:
        chance = random.Random(seed)
        _press(seen, _WARM_UP, chance)
        calm = _press(seen, presses, chance)
        found: dict[str, Any] = {"presses": presses, **calm.figures()}
        ok = calm.lost == 0
        if load:
            with loaded(stage) as told:
                busy = _press(seen, presses, chance)
            found["loaded"] = {**busy.figures(), **told}
            ratios = {
                "page": _ratio(busy.page, calm.page),
                "board": _ratio(busy.board, calm.board),
                "commit": _ratio(busy.commit, calm.commit),
                "ack": _ratio(busy.ack, calm.ack),
            }
            found["load_ratios_p99"] = ratios
            # of the two that have a limit: what reaches responder and operator
            found["load_ratio_p99"] = max(ratios["page"], ratios["board"])
            ok = ok and busy.lost == 0 and told["events_lost"] == 0
    return {"ok": ok, **found, "machine": procfs.machine()}


def _ratio(loaded_ms: list[float], calm_ms: list[float]) -> float:
    calm = percentile(calm_ms, 0.99)
    return round(percentile(loaded_ms, 0.99) / calm, 2) if calm else 0.0


def _press(seen: Seen, presses: int, chance: random.Random) -> Times:
    times = Times()
    for number in range(presses):
        seen.board.forget()
        press(seen, seen.stage.buttons[number % HOMES], times)
        threading.Event().wait(chance.uniform(*_PAUSE_S))
    return times


def press(seen: Seen, button: Button, times: Times) -> None:
    """Press once, wait until all have it, close the incident."""
    stage = seen.stage
    pressed_s = time.monotonic()
    seq = button.press()
    acked_ms = button.wait_acked(seq, _LOST_AFTER_S)
    opened = stage.incident_of(button.id, seq)
    if acked_ms is None or opened is None:
        times.lost += 1
        return
    incident_id, opened_ms = opened

    def ours(page: ReceivedPage) -> bool:
        return page.message == "page" and page.body["incident"]["id"] == incident_id

    page = stage.pager.wait_page(ours, _LOST_AFTER_S)
    drawn_s = seen.board.wait_for(f'data-since=\\"{opened_ms}\\"', _LOST_AFTER_S)
    stage.close(incident_id)
    committed_s = seen.commits.committed_s(incident_id, _LOST_AFTER_S)
    if page is None or drawn_s is None or committed_s is None:
        times.lost += 1
        return
    times.commit.append((committed_s - pressed_s) * 1000)
    times.ack.append(acked_ms)
    times.page.append((page.received_at - pressed_s) * 1000)
    times.board.append((drawn_s - pressed_s) * 1000)


def as_text(found: dict[str, Any]) -> str:
    """Return the figures for a person."""

    def lines(figures: dict[str, Any]) -> list[str]:
        steps = ("commit", "ack", "page", "board")
        spreads = [(step, figures[f"press_to_{step}_ms"]) for step in steps]
        return [
            f"  press to {step:<7} p50 {one['p50']:>7} ms   p99 {one['p99']:>7} ms   "
            f"longest {one['max']:>7} ms"
            for step, one in spreads
        ] + [f"  lost {figures['lost']}"]

    text = [f"{found['presses']} presses; {found['machine']}", *lines(found)]
    if load := found.get("loaded"):
        ratio = ", ".join(f"{step} {value}" for step, value in found["load_ratios_p99"].items())
        text += [
            (
                f"under {load['events_s']} events/s and {CAMERAS} cameras "
                f"({load['frames']} pictures, {load['events_lost']} events lost)"
            ),
            *lines(load),
            f"p99 under load over p99 without: {ratio}",
        ]
    return "\n".join(text)
