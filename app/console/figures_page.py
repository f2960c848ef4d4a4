"""The page of figures: how fast help was, beside the norms; for staff, and no home is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from alerts.figures import CUTS, figures
from app.accounts.permissions import Right
from app.accounts.principal import Principal
from app.api.desk import READS_HOME
from app.api.figures import as_csv
from app.console.plain_page import PlainPages
from core.database import Connection

_SPANS_DAYS = (1, 7, 30, 365)


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
                days=days,
                by=cuts,
                spans=_SPANS_DAYS,
                cuts=CUTS,
            )

        return pages.answer(request, Right.FIGURES, work)

    return routes
