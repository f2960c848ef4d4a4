"""Pages about the service itself: rosters, rules, and the log of looks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from alerts.roster_week import monday_of, week
from alerts.rules.loading import DEFAULT, parse
from alerts.rules.problems import RulesRefused
from alerts.shifts import zone_of
from app.accounts.permissions import Right
from app.accounts.principal import Principal
from app.api.desk import READS_HOME
from app.api.rosters import seen_by
from app.console.history_page import Text
from app.console.plain_page import PlainPages
from app.console.roster_grid import grid
from core import sql
from core.database import Connection

_LIMIT = 500
_RULES_MAX_BYTES = 200_000
_QUERIES = sql.load("app.console", "pages.sql")


def router(pages: PlainPages) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    settings = pages.desk.settings

    @routes.get("/console/responders", dependencies=[READS_HOME])
    def responders(request: Request, day: date | None = None) -> Response:
        def work(conn: Connection, who: Principal) -> Response:
            now = pages.desk.clock.now()
            first = monday_of(day or now.astimezone(zone_of(settings.timezone)).date())
            found = seen_by(week(conn, first, timezone=settings.timezone, now=now), who)
            return pages.render(
                request,
                who,
                "responders.html",
                "responders",
                week=found,
                rows=grid(found),
                days=[first + timedelta(days=n) for n in range(7)],
                before=first - timedelta(days=7),
                after=first + timedelta(days=7),
            )

        return pages.answer(request, Right.RESPONDERS, work)

    _rules(routes, pages)
    _looks(routes, pages)
    return routes


def _rules(routes: APIRouter, pages: PlainPages) -> None:
    path = pages.desk.settings.rules or DEFAULT

    def shown(request: Request, who: Principal, text: str | None) -> Response:
        in_force = path.read_text(encoding="utf-8")
        problems: list[object] | None = None
        try:
            parse(in_force if text is None else text, "rules.toml")
        except RulesRefused as refused:
            problems = list(refused.problems)
        return pages.render(
            request,
            who,
            "rules.html",
            "rules",
            in_force=in_force,
            file=path.name,
            text=text,
            problems=problems,
        )

    @routes.get("/console/rules")
    def read(request: Request) -> Response:
        return pages.answer(request, Right.RULES, lambda _conn, who: shown(request, who, None))

    @routes.post("/console/rules")
    def check(
        request: Request, text: Annotated[str, Form(max_length=_RULES_MAX_BYTES)]
    ) -> Response:
        """Say what is wrong with a draft; nothing is kept of it."""
        return pages.answer(request, Right.RULES, lambda _conn, who: shown(request, who, text))


def _looks(routes: APIRouter, pages: PlainPages) -> None:
    @routes.get("/console/audit", dependencies=[READS_HOME])
    def looks(request: Request, q: Text = "", refused: bool = False) -> Response:
        def work(conn: Connection, who: Principal) -> Response:
            given = {
                "district": who.district,
                "text": q.strip(),
                "refused": refused,
                "limit": _LIMIT,
            }
            rows = conn.execute(_QUERIES["looks"], given).fetchall()
            return pages.render(
                request, who, "audit.html", "audit", rows=rows, q=q, refused=refused, limit=_LIMIT
            )

        return pages.answer(request, Right.AUDIT, work)
