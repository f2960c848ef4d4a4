"""Homes and their devices: how they stand, and which are on test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import Response

from app.accounts.permissions import Right, may
from app.accounts.principal import Principal
from app.api import on_test
from app.api.acting import Acting, Do, carried_out
from app.api.desk import READS_HOME
from app.console.history_page import Text
from app.console.plain_page import PlainPages
from core import sql
from core.database import Connection
from households.on_test import LONGEST_MINUTES, LONGEST_REASON, homes_on_test

_LIMIT = 500
_BATTERY_LOW_PERCENT = 20
_UNHEARD = timedelta(minutes=3)
_WORST = ("silent", "trouble", "never", "late", "battery", "well")
_TEST_MINUTES = (30, 60, 120, 240, LONGEST_MINUTES)
_QUERIES = sql.load("app.console", "pages.sql")
Household = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]*$")]
Asked = Annotated[str, Form(max_length=100)]  # what was searched for; the list stays so


def standing(row: Mapping[str, object], now: datetime) -> str:
    """Return how a device stands: never, silent, trouble, late, battery or well; worst first."""
    heard = row["last_heard_at"]
    if not isinstance(heard, datetime):
        return "never"
    if row["silent"] or row["online"] is False:
        return "silent"
    if row["trouble"] is not None:
        return "trouble"
    if now - heard > _UNHEARD:
        return "late"
    battery = row["battery_percent"]
    return "battery" if isinstance(battery, int) and battery <= _BATTERY_LOW_PERCENT else "well"


def listing(rows: Iterable[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Return the devices, the worst first, and of each home's the first marked as `first`."""
    found = [{**row, "standing": standing(row, now)} for row in rows]
    found.sort(key=lambda row: _WORST.index(row["standing"]))
    seen: set[str] = set()
    for row in found:
        row["first"] = row["household_id"] not in seen
        seen.add(row["household_id"])
    return found


def router(pages: PlainPages) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/console/homes", dependencies=[READS_HOME])
    def homes(request: Request, q: Text = "") -> Response:
        return pages.answer(
            request, Right.HOMES, lambda conn, who: _listed(pages, request, conn, who, q)
        )

    @routes.post("/console/homes/{household}/on-test")
    def put_on(
        request: Request,
        household: Household,
        minutes: Annotated[int, Form()],
        reason: Annotated[str, Form(max_length=LONGEST_REASON)],
        q: Asked = "",
    ) -> Response:
        def do(acting: Acting) -> str:
            test = on_test.put(acting, household, minutes=minutes, reason=reason)
            papers = pages.papers.of(request)
            until = papers.minute(test.until)
            return papers.words("homes.test.told", home=household, until=until)

        return _act(pages, request, household, q, do)

    @routes.post("/console/homes/{household}/off-test")
    def take_off(request: Request, household: Household, q: Asked = "") -> Response:
        def do(acting: Acting) -> str:
            on_test.end(acting, household)
            return pages.papers.of(request).words("homes.test.ended", home=household)

        return _act(pages, request, household, q, do)

    return routes


def _act(pages: PlainPages, request: Request, home: str, q: str, do: Do) -> Response:
    """Do it; show the list with what came of it."""

    def work(conn: Connection, who: Principal) -> Response:
        acting = Acting(conn, who, pages.desk.clock.now())
        told, refused = carried_out(acting, home, Right.ON_TEST, do)
        problem = pages.papers.of(request).words.refusal(refused) if refused else ""
        return _listed(pages, request, conn, who, q, told=told, problem=problem)

    return pages.answer(request, Right.ON_TEST, work)


def _listed(
    pages: PlainPages,
    request: Request,
    conn: Connection,
    who: Principal,
    q: str,
    *,
    told: str = "",
    problem: str = "",
) -> Response:
    now = pages.desk.clock.now()
    given = {"now": now, "district": who.district, "text": q.strip(), "limit": _LIMIT}
    found = listing(conn.execute(_QUERIES["homes"], given).fetchall(), now)
    counts = {one: sum(row["standing"] == one for row in found) for one in _WORST}
    return pages.render(
        request,
        who,
        "homes.html",
        "homes",
        rows=found,
        counts={one: n for one, n in counts.items() if n},
        on_test=homes_on_test(conn, now),
        may_test=may(who, Right.ON_TEST),
        minutes=_TEST_MINUTES,
        longest_reason=LONGEST_REASON,
        now=now,
        q=q,
        told=told,
        problem=problem,
    )
