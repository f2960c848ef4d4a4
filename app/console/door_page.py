"""A door without an incident: whoever looks says why, and the residents read it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from alerts.audit import record_access
from app.accounts.permissions import Right
from app.accounts.principal import AT_HOME, Principal
from app.api.desk import place_of
from app.console.door_pane import door
from app.console.plain_page import PlainPages
from core import sql
from core.database import Connection

_QUERIES = sql.load("app.console")


def router(pages: PlainPages) -> APIRouter:
    """Return the route of the page. What is asked for at a door is decided by the API."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/console/door")
    def show(request: Request, home: str = "") -> Response:
        def page(conn: Connection, who: Principal) -> Response:
            if who.role in AT_HOME:
                return RedirectResponse("/home", 303)
            templates = pages.papers.of(request)
            found = _cameras(pages, conn, who, home)
            cameras = [
                Markup(door(templates, home, camera, asks=True))  # noqa: S704 - escaped in there
                for camera in found
            ]
            return pages.render(request, who, "door_page.html", "door", home=home, cameras=cameras)

        return pages.answer(request, Right.LIVE, page)

    return routes


def _cameras(pages: PlainPages, conn: Connection, who: Principal, home: str) -> list[str]:
    """Return the cameras of a home of the user's district; that they were looked up is logged."""
    place = place_of(conn, home)
    if place is None or not who.answers_for(place.district):
        return []
    now = pages.desk.clock.now()
    rows = conn.execute(_QUERIES["cameras"], {"household_id": home, "now": now}).fetchall()
    record_access(
        conn,
        actor=who.user_id,
        action="door",
        household_id=home,
        now=now,
        detail={"reason": "looked up", "role": who.role.value},
    )
    return [row["device_id"] for row in rows]
