"""History: incidents of any time, searched; one of them read again, which is a look and logged."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from alerts import board
from alerts.audit import record_access
from alerts.policy import Kind
from app.accounts.permissions import Right, reason
from app.accounts.principal import Principal
from app.api.desk import READS_HOME, incident_place
from app.console.plain_page import PlainPages
from app.console.presenting import log_line, names_of, note_of
from core import sql
from core.database import Connection

_LIMIT = 200
_USUAL = timedelta(days=30)
_QUERIES = sql.load("app.console", "pages.sql")
Text = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]


def router(pages: PlainPages) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    zone = ZoneInfo(pages.desk.settings.timezone)

    @routes.get("/console/history", dependencies=[READS_HOME])
    def search(
        request: Request,
        q: Text = "",
        kind: Annotated[str, Query(pattern="^[a-z]*$", max_length=20)] = "",
        since: Annotated[date | None, Query(alias="from")] = None,
        until: Annotated[date | None, Query(alias="to")] = None,
    ) -> Response:
        today = pages.desk.clock.now().astimezone(zone).date()
        first, last = since or today - _USUAL, until or today

        def work(conn: Connection, who: Principal) -> Response:
            given = {
                "district": who.district,
                "kind": kind,
                "text": q.strip(),
                "since": datetime.combine(first, time(), zone),
                "until": datetime.combine(last + timedelta(days=1), time(), zone),
                "limit": _LIMIT,
            }
            rows = conn.execute(_QUERIES["search_incidents"], given).fetchall()
            return pages.render(
                request,
                who,
                "history.html",
                "history",
                rows=rows,
                q=q,
                kind=kind,
                kinds=list(Kind),
                first=first,
                last=last,
                limit=_LIMIT,
            )

        return pages.answer(request, Right.HISTORY, work)

    @routes.get("/console/history/{incident_id}", dependencies=[READS_HOME])
    def read(request: Request, incident_id: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Response:
        def work(conn: Connection, who: Principal) -> Response:
            now = pages.desk.clock.now()
            place = incident_place(conn, incident_id, now)
            why = reason(who, Right.HISTORY, place.household_id, place)
            card = board.card(conn, incident_id)
            words, names = pages.papers.of(request).words, names_of(card)
            lines = [
                (line, log_line(line, names, words), note_of(line, words)) for line in card.timeline
            ]
            answer = pages.render(
                request, who, "history_one.html", "history", card=card, lines=lines
            )
            record_access(
                conn,
                actor=who.user_id,
                action=Right.HISTORY.value,
                household_id=card.household_id,
                now=now,
                detail=why | {"incident_id": incident_id, "role": who.role.value},
            )
            return answer

        return pages.answer(request, Right.HISTORY, work)

    return routes
