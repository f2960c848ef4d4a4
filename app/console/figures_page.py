"""The page of figures: how fast help was, beside the norms; for staff, and no home is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.figures import CUTS, figures
from app.api.desk import READS_HOME, DeskDep, limited
from app.api.figures import as_csv
from app.console import actions
from app.console.presenting import Templates
from core.errors import Refused, TemporaryError

_SPANS_DAYS = (1, 7, 30, 365)


def router(templates: Templates) -> APIRouter:
    """Return the route of the page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/console/figures", dependencies=[READS_HOME])
    def show(
        request: Request,
        desk: DeskDep,
        days: Annotated[int, Query(ge=1, le=400)] = 30,
        by: Annotated[list[Literal["kind", "district", "month"]] | None, Query()] = None,
        form: Annotated[Literal["html", "csv"], Query(alias="format")] = "html",
    ) -> Response:
        cuts = [cut for cut in CUTS if cut in (by or ["kind"])]
        now = desk.clock.now()
        try:
            with desk.database.transaction() as conn, limited(conn):
                actions.whoami(desk, conn, request.session)
                found = figures(
                    conn,
                    since=now - timedelta(days=days),
                    until=now + timedelta(seconds=1),
                    by=cuts,
                    now=now,
                    timezone=desk.settings.timezone,
                )
        except Refused:
            return RedirectResponse("/login", 303)
        except TemporaryError:
            text = templates.render("notice.html", notice="login.away", again=True)
            return HTMLResponse(text, 503, headers={"Retry-After": "2"})
        if form == "csv":
            name = f'attachment; filename="figures-{now:%Y-%m-%d}.csv"'
            return Response(
                as_csv(found), media_type="text/csv", headers={"Content-Disposition": name}
            )
        text = templates.render(
            "figures.html", found=found, days=days, by=cuts, spans=_SPANS_DAYS, cuts=CUTS
        )
        return HTMLResponse(text)

    return routes
