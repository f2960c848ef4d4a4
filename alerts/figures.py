"""How long each step took, beside the norm it answers to, and how many alarms were false."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from psycopg.types.json import Jsonb

from alerts.lifecycle import CLOSED_STATES, MOVES, OPEN_STATES
from alerts.norms import NORMS, Norm
from core import sql
from core.database import Connection

Cut = Literal["kind", "district", "month"]
CUTS: tuple[Cut, ...] = get_args(Cut)
_ENDS = sorted(
    {move for state in OPEN_STATES for move, to in MOVES[state].items() if to in CLOSED_STATES}
)
_QUERIES = sql.load("alerts", "figures.sql")


@dataclass(frozen=True, slots=True)
class StepFigure:
    """Seconds from the press to the first time an incident came to `step`.

    `kind district month` are None where the figures were not asked by them. The steps: commit
    (the alarm is ours), screen (a board showed it), acknowledge, page (handed to a channel),
    accept, arrive, close.
    """

    kind: str | None
    district: str | None
    month: str | None
    step: str
    n: int
    p50_s: float
    p90_s: float
    p99_s: float
    max_s: float


@dataclass(frozen=True, slots=True)
class NormFigure:
    """How often a norm was kept: `kept` of `n`; `share` is None while there is nothing to count."""

    norm: Norm
    n: int
    kept: int

    @property
    def share(self) -> float | None:
        return self.kept / self.n if self.n else None

    @property
    def met(self) -> bool | None:
        return None if self.share is None else self.share >= self.norm.asked


@dataclass(frozen=True, slots=True)
class FalseFigure:
    """`n` of `closed` incidents were false alarms of one cause."""

    kind: str | None
    district: str | None
    month: str | None
    cause: str
    n: int
    closed: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one span of time."""

    since: datetime
    until: datetime
    steps: list[StepFigure]
    norms: list[NormFigure]
    false_alarms: list[FalseFigure]


def figures(
    conn: Connection,
    *,
    since: datetime,
    until: datetime,
    by: Collection[Cut],
    now: datetime,
    timezone: str,
    district: str = "",
) -> Figures:
    """Return the figures of the incidents written in [since, until), cut by what is named.

    Months are of the service's `timezone`; `district` '' is all of them. The minute's synthetic
    tests are not among them.
    """
    given = {
        "since": since,
        "until": until,
        "now": now,
        "timezone": timezone,
        "district": district,
        "ends": _ENDS,
        **{f"by_{cut}": cut in by for cut in CUTS},
    }
    steps = [StepFigure(**row) for row in conn.execute(_QUERIES["steps"], given)]
    norms = [
        NormFigure(NORMS[row["number"]], row["n"], row["kept"])
        for row in conn.execute(_QUERIES["kept"], given | {"norms": _asked()})
    ]
    false_alarms = [FalseFigure(**row) for row in conn.execute(_QUERIES["false_alarms"], given)]
    return Figures(since, until, steps, norms, false_alarms)


def _asked() -> Jsonb:
    return Jsonb(
        [
            {
                "number": number,
                "step": norm.step,
                "kinds": sorted(norm.kinds),
                "within_s": norm.within_s,
            }
            for number, norm in enumerate(NORMS)
        ]
    )
