"""The resident's page, for a telephone: it shows what the API gives, and does nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from app.accounts.permissions import Right
from app.accounts.principal import Principal, Role
from app.api.me import homes_of
from app.console.door_pane import door
from app.console.plain_page import PlainPages
from core import sql
from core.database import Connection

_QUERIES = sql.load("app.console")


def router(pages: PlainPages) -> APIRouter:
    """Return the route of the resident's page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home")
    def show(request: Request, home: str = "") -> Response:
        def page(conn: Connection, who: Principal) -> Response:
            homes = homes_of(conn, who)
            chosen = next((one for one in homes if one.household_id == home), None)
            if home and chosen is None:
                return RedirectResponse("/home", 303)
            if chosen is None and len(homes) > 1:
                # the address says which home it is, also after a reload
                return RedirectResponse(f"/home?home={quote(homes[0].household_id)}", 303)
            chosen = chosen or (homes[0] if homes else None)
            templates = pages.papers.of(request)
            hands = {"live", "talk"} & set(chosen.rights) if chosen else set()
            if chosen and "command" in chosen.rights:
                hands |= {"light", "warn"}
            given: dict[str, Any] = {
                "home": chosen,
                "homes": homes,
                "named": len(homes) > 1 or who.role is Role.GUARDIAN,
                "user": who.user_id,
                "timezone": pages.desk.settings.timezone,
                "words": templates.words.group("resident.", "kind.", "refusal."),
                "cameras": [
                    Markup(door(templates, chosen.household_id, row["device_id"], hands))  # noqa: S704 - a template of ours, escaped there
                    for row in conn.execute(
                        _QUERIES["cameras"],
                        {"household_id": chosen.household_id, "now": pages.desk.clock.now()},
                    )
                ]
                if chosen
                else [],
            }
            return pages.render(request, who, "resident.html", "home", **given)

        return pages.answer(request, Right.HOME, page)

    return routes
