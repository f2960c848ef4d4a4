"""`doorguard bench cameras`: door cameras over MQTT, people at the doors, SOS pressed meanwhile.

All services are real and temporary. Asked is what a night at the desk asks: no frame
lost, every loiterer found and nobody else, an SOS as fast as without cameras, memory flat.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import cv2
import numpy as np

from app.bench import procfs
from app.bench.alarm import Seen, Times, press, watching
from app.bench.alarm_stage import Size, Stage, staged
from app.site import Site
from app.status import status
from core import sql
from core.clock import SystemClock
from core.errors import ConfigurationError
from gateway import registry
from simulators.camera import DoorCamera
from simulators.scene import Scene, Visit
from simulators.source import encode_jpeg

FPS = 5.0
AFTER_S = 10.0
PRESS_EVERY_S = 10.0
LOOP_S = 60.0
_COMES_S, _STAYS_S = 20.0, 22.0
_HIGH_PX, _WIDE_PX = 1080, 1920
_APART_S = 7.0  # between the films of two doors: they do not all loiter at once
_LATE_S = 2.0  # a loiterer found later than T and this is not found
_SETTLE_S = 8.0  # until the scenes are learnt; the first look at memory
_DRAIN_S = 4.0
_CALM_PRESSES, _CALM_PAUSE_S = 20, 1.0
_BUTTON_HOMES = 6
_FLAT = 1.10  # the last third's memory over the middle one's, at most
_QUERIES = sql.load("app.bench")


class _Loop:
    """A minute of a corridor at 1080p, made beforehand and shown again and again."""

    def __init__(self) -> None:
        scene = Scene(seed=4, empty_s=0.0, stays=((_COMES_S, _STAYS_S),))
        self.visit: Visit = scene.visits[0]
        self._pictures = [_jpeg(scene, number / FPS) for number in range(round(LOOP_S * FPS))]

    def at(self, t_s: float) -> bytes:
        return self._pictures[round(t_s * FPS) % len(self._pictures)]


def _jpeg(scene: Scene, t_s: float) -> bytes:
    large = cv2.resize(scene.render(t_s), (_WIDE_PX, _HIGH_PX), interpolation=cv2.INTER_LINEAR)
    return encode_jpeg(np.asarray(large, np.uint8))


@dataclass(frozen=True, slots=True)
class _Door:
    """One camera's film: the loop, begun `offset_s` into it."""

    loop: _Loop
    offset_s: float

    def at(self, t_s: float) -> bytes:
        return self.loop.at(t_s + self.offset_s)

    def stays(self, began: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """Return (came, left) of everybody who came after the scene was learnt and is due to
        be found before `until`.
        """
        visit, found = self.loop.visit, []
        at = began + timedelta(seconds=visit.entered_s - self.offset_s)
        while at + timedelta(seconds=AFTER_S + _LATE_S) < until:
            if at > began + timedelta(seconds=_SETTLE_S):
                found.append((at, at + timedelta(seconds=visit.left_s - visit.entered_s)))
            at += timedelta(seconds=LOOP_S)
        return found


def bench(site: Site, *, cameras: int, minutes: float, seed: int) -> dict[str, Any]:
    """Run it. Raises `DoorGuardError`."""
    procfs.check()
    if site.database is not None or site.broker is not None:
        raise ConfigurationError("the bench presses SOS: it uses services of its own, never others")
    loop = _Loop()
    size = Size(homes=_BUTTON_HOMES + cameras, loaders=0, cameras=cameras)
    with staged(size=size) as stage, watching(stage) as seen:
        chance = random.Random(seed)
        press(seen, stage.buttons[-1], Times())  # first pages open connections
        calm = Times()
        for number in range(_CALM_PRESSES):
            press(seen, _button(stage, cameras, number), calm)
            threading.Event().wait(_CALM_PAUSE_S * chance.uniform(0.5, 1.5))
        found = _with_cameras(seen, loop, minutes, chance)
    busy: Times = found.pop("times")
    ratio = {
        step: round(_p50(getattr(busy, step)) / max(_p50(getattr(calm, step)), 0.1), 2)
        for step in ("commit", "page", "board")
    }
    frames, loiterers = found["frames"], found["loiterers"]
    ok = (
        frames["lost"] == 0
        and loiterers["found"] == loiterers["true"]
        and loiterers["false"] == 0
        and calm.lost + busy.lost == 0
        and found["memory_mib"]["flat"]
    )
    return {
        "ok": ok,
        "cameras": cameras,
        "minutes": minutes,
        **found,
        "sos": {"without": calm.figures(), "with": busy.figures(), "ratio_p50": ratio},
        "machine": procfs.machine(),
    }


def _button(stage: Stage, cameras: int, number: int) -> Any:
    """Return a button of a home without a camera: its incident is its own."""
    return stage.buttons[cameras + number % _BUTTON_HOMES]


def _p50(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0


def _with_cameras(seen: Seen, loop: _Loop, minutes: float, chance: random.Random) -> dict[str, Any]:
    clock, stage = SystemClock(), seen.stage
    with stage.services.database.transaction() as conn:
        for one in stage.cameras:
            registry.configure(conn, one.device, {"loiter": {"after_s": AFTER_S}})
    threading.Event().wait(_DRAIN_S)  # it is published within a second or two
    doors = [_Door(loop, number * _APART_S) for number in range(len(stage.cameras))]
    filming = [
        DoorCamera(one, door, fps=FPS) for one, door in zip(stage.cameras, doors, strict=True)
    ]
    times, memory = Times(), list[float]()
    with ExitStack() as ending:
        for camera in filming:
            camera.start()
            ending.callback(camera.stop)
        began_s = clock.monotonic_s()
        threading.Event().wait(_SETTLE_S)
        presses = max(1, round((minutes * 60 - _SETTLE_S) / PRESS_EVERY_S))
        for number in range(presses):
            memory.append(_memory(stage))
            press(seen, _button(stage, len(filming), number), times)
            next_s = began_s + _SETTLE_S + (number + 1) * PRESS_EVERY_S
            pause_s = next_s - clock.monotonic_s() - chance.uniform(0, 0.5)
            threading.Event().wait(max(0.0, pause_s))
        until = clock.now()
    threading.Event().wait(_DRAIN_S)
    sent = sum(camera.frames_sent for camera in filming)
    worker = _worker(stage)
    counts = [worker[name] for name in ("frames", "shed", "bad_jpegs")]
    return {
        "times": times,
        "presses": presses,
        "frames": {
            "sent": sent,
            "looked_at": counts[0],
            "lost": sent - counts[0],
            "shed": counts[1],
            "bad": counts[2],
            "late_at_the_camera": sum(camera.frames_dropped for camera in filming),
        },
        "loiterers": _judge(stage, filming, doors, until),
        "cases": worker["cases"],
        "memory_mib": _flat(memory),
    }


def _worker(stage: Stage) -> dict[str, Any]:
    with stage.services.database.transaction() as conn:
        found = status(conn, SystemClock().now())["processes"]["detect"]
    return dict(found)


def _memory(stage: Stage) -> float:
    pid = stage.services.supervisor.pid("detect")
    return procfs.memory_mib(pid) if pid else 0.0


def _flat(memory: list[float]) -> dict[str, Any]:
    """Compare the last third's most with the middle one's: warming up is over by then."""
    third = max(1, len(memory) // 3)
    middle, last = max(memory[-2 * third : -third] or memory), max(memory[-third:])
    return {
        "first": round(memory[0], 1),
        "middle": round(middle, 1),
        "last": round(last, 1),
        "flat": last <= _FLAT * middle,
    }


def _judge(
    stage: Stage, filming: Sequence[DoorCamera], doors: Sequence[_Door], until: datetime
) -> dict[str, Any]:
    with stage.services.database.transaction() as conn:
        rows = conn.execute(_QUERIES["loiterers"]).fetchall()
    true = false = 0
    delays: list[float] = []
    for camera, door in zip(filming, doors, strict=True):
        told = [row["at"] for row in rows if row["device_id"] == camera.id]
        for came, left in door.stays(camera.started_at or until, until):
            true += 1
            latest = min(left, came + timedelta(seconds=AFTER_S + _LATE_S))
            hit = next((at for at in told if came < at <= latest), None)
            if hit is not None:
                told.remove(hit)
                delays.append((hit - came).total_seconds() - AFTER_S)
        false += sum(_is_false(at, door, camera) for at in told)
    return {
        "true": true,
        "found": len(delays),
        "false": false,
        "longest_delay_s": round(max(delays, default=0.0), 2),
    }


def _is_false(at: datetime, door: _Door, camera: DoorCamera) -> bool:
    """Whether nobody was there; the first and the last stay are there and are not asked for."""
    began = camera.started_at
    if began is None:
        return True
    t_s = ((at - began).total_seconds() + door.offset_s) % LOOP_S
    return not door.loop.visit.entered_s <= t_s < door.loop.visit.left_s


def as_text(found: dict[str, Any]) -> str:
    """Return the figures for a person."""
    frames, loiterers, memory = found["frames"], found["loiterers"], found["memory_mib"]
    lines = [
        f"{found['cameras']} cameras at {FPS:g} fps for {found['minutes']:g} min",
        found["machine"],
        f"frames     {frames['sent']} sent, {frames['looked_at']} looked at, {frames['lost']} lost",
        f"           {frames['shed']} shed, {frames['bad']} bad",
        f"loiterers  {loiterers['found']} of {loiterers['true']} found, {loiterers['false']} false",
        f"           at most {loiterers['longest_delay_s']} s after T; {found['cases']} cases kept",
        f"memory     {memory['first']} MiB, later {memory['middle']}, in the end {memory['last']}",
    ]
    for name in ("without", "with"):
        one = found["sos"][name]
        spread = ", ".join(
            f"{step} {one[f'press_to_{step}_ms']['p50']}/{one[f'press_to_{step}_ms']['max']}"
            for step in ("commit", "page", "board")
        )
        lines.append(f"SOS {name:<8}{spread} ms (median/longest), {one['lost']} lost")
    return "\n".join(lines)
