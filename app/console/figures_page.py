"""The page of figures: how fast help was, beside the norms; for staff, and no home is named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from alerts.figures import CUTS, StepFigure, figures
from app.accounts.permissions import Right
from app.accounts.principal import Principal
from app.api.desk import READS_HOME
from app.api.figures import as_csv
from app.console.plain_page import PlainPages
from app.console.words import Words
from core.database import Connection

_CHART_PX, _CHART_ROWS = 500.0, 24
_SPANS_DAYS = (1, 7, 30, 365)


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the chart; lengths in units of the picture, on a scale of square roots."""

    label: str
    p50: float
    p99: float
    p50_s: float
    p99_s: float


def bars(steps: Sequence[StepFigure], words: Words) -> list[Bar]:
    """Return the chart of the steps: half of them, and all but one in a hundred. Pure."""
    longest = max((one.p99_s for one in steps), default=0.0)
    if longest <= 0:
        return []

    def length(seconds: float) -> float:
        return round(max(2.0, _CHART_PX * math.sqrt(seconds / longest)), 1)

    return [
        Bar(
            " · ".join(
                part
                for part in (
                    words.of("kind", one.kind) if one.kind else "",
                    one.district or "",
                    one.month or "",
                    words.of("step", one.step),
                )
                if part
            ),
            length(one.p50_s),
            length(one.p99_s),
            one.p50_s,
            one.p99_s,
        )
        for one in steps[:_CHART_ROWS]
    ]


def router(pages: PlainPages) -> APIRouter:
    """Return the route of the page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/console/figures", dependencies=[READS_HOME])
    def show(
        request: Request,
        days: Annotated[int, Query(ge=1, le=400)] = 30,
        by: Annotated[list[Literal["kind", "district", "month"]] | None, Query()] = None,
        form: Annotated[Literal["html", "csv"], Query(alias="format")] = "html",
    ) -> Response:
        cuts = [cut for cut in CUTS if cut in (by or ["kind"])]
        now = pages.desk.clock.now()

        def work(conn: Connection, who: Principal) -> Response:
            found = figures(
                conn,
                since=now - timedelta(days=days),
                until=now + timedelta(seconds=1),
                by=cuts,
                now=now,
                timezone=pages.desk.settings.timezone,
                district=who.district,
            )
            if form == "csv":
                name = f'attachment; filename="figures-{now:%Y-%m-%d}.csv"'
                return Response(
                    as_csv(found), media_type="text/csv", headers={"Content-Disposition": name}
                )
            return pages.render(
                request,
                who,
                "figures.html",
                "figures",
                found=found,
                bars=bars(found.steps, pages.papers.of(request).words),
                days=days,
                by=cuts,
                spans=_SPANS_DAYS,
                cuts=CUTS,
            )

        return pages.answer(request, Right.FIGURES, work)

    return routes
