"""What it costs to rank a crew for one home, beside sorting it by distance alone.

Processor time of the thread, so that whatever else the machine does counts for nothing.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from statistics import quantiles
from time import thread_time
from typing import Any

from alerts.ranking import Fix, Home, Position, Responder, Routed, distance_m, rank
from alerts.shifts import ALWAYS, EVERY_DAY, Change, ChangeKind, Duty, WeeklyShift
from core.clock import SystemClock

LIMIT_MS = 5.0  # a page to the nearest of 2,000 must not wait for its ranking
_ROUNDS = 200
_ZONE = "Asia/Seoul"
_HOME = Home("home", Position(37.5665, 126.9780), "zone-1")
_SHIFTS = [
    Duty((WeeklyShift(EVERY_DAY, time(start), time(end)),)) for start, end in ((21, 3), (6, 14))
]


def crew(n: int, seed: int, now: datetime) -> list[Responder]:
    """Return a city's responders: crews around the clock, guards by night, families; some seen."""
    chance = random.Random(seed)
    found: list[Responder] = []
    for number in range(n):
        kind = chance.choice(("crew", "guard", "guard", "guardian"))
        duty = chance.choice(_SHIFTS) if kind == "guard" else ALWAYS
        if chance.random() < 0.05:
            away = Change(ChangeKind.BREAK, now - timedelta(hours=1), now + timedelta(hours=1))
            duty = Duty(duty.shifts, (away,))
        seen = Position(chance.uniform(37.4, 37.7), chance.uniform(126.8, 127.2))
        found.append(
            Responder(
                f"{kind}-{number}",
                kind,
                Position(chance.uniform(37.4, 37.7), chance.uniform(126.8, 127.2)),
                duty,
                f"zone-{chance.randrange(25)}",
                skills=frozenset({"first_aid"}) if chance.random() < 0.3 else frozenset(),
                fix=Fix(seen, 20.0, now - timedelta(minutes=chance.randrange(60)))
                if chance.random() < 0.3
                else None,
                routed=Routed(600.0, "osrm", now) if number < 20 else None,
                on_jobs=int(chance.random() < 0.05),
            )
        )
    return found


def bench(responders: int, seed: int) -> dict[str, Any]:
    """Return milliseconds at night, when everybody may be asked, and the ratios."""
    now = datetime(2026, 11, 27, 14, 0, tzinfo=UTC)  # 23:00 in Seoul
    people = crew(responders, seed, now)
    full = _times_ms(lambda: rank(_HOME, people, now, _ZONE, incident_kind="sos"))
    bare = _times_ms(
        lambda: sorted(people, key=lambda one: distance_m(one.position, _HOME.position))
    )
    ranked = rank(_HOME, people, now, _ZONE, incident_kind="sos")
    return {
        "responders": responders,
        "ranked": len(ranked),
        "rank_ms": full,
        "by_distance_ms": bare,
        "ratio_to_distance": round(full["p50"] / bare["p50"], 2),
        "limit_ms": LIMIT_MS,
        "ratio_to_limit": round(full["p50"] / LIMIT_MS, 2),
        "at": SystemClock().now().isoformat(),
    }


def as_text(found: dict[str, Any]) -> str:
    """Return the figures as people read them."""
    full, bare = found["rank_ms"], found["by_distance_ms"]
    return (
        f"{found['responders']} responders, {found['ranked']} on duty: "
        f"p50 {full['p50']} ms, p99 {full['p99']} ms, max {full['max']} ms\n"
        f"by distance alone p50 {bare['p50']} ms; {found['ratio_to_distance']} times that\n"
        f"{found['ratio_to_limit']} of the {found['limit_ms']:g} ms it may take"
    )


def _times_ms(work: Callable[[], object]) -> dict[str, float]:
    work()
    gc.collect()
    took: list[float] = []
    for _ in range(_ROUNDS):
        began = thread_time()
        work()
        took.append((thread_time() - began) * 1000)
    cuts = quantiles(took, n=100)
    return {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3), "max": round(max(took), 3)}
