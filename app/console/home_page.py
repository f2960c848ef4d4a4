"""One home as the service keeps it: when its silence is asked after, who is told, its devices."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from app.accounts.permissions import Right, may, reason
from app.accounts.principal import Principal
from app.api import behind
from app.api.acting import Acting, Do, carried_out, logged
from app.api.caring_models import Care, care_of, told
from app.api.desk import READS_HOME, place_of
from app.api.home_models import TEXT
from app.console.homes_page import Household, standing
from app.console.plain_page import PlainPages
from core import sql
from core.database import Connection
from households import caring, contacts
from households.care import LONGEST_H

_QUERIES = sql.load("app.console", "pages.sql")
Clock = Annotated[str, Form(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
DeviceId = Annotated[str, Form(pattern="^[a-z0-9][a-z0-9-]{3,39}$")]


class HomePage:
    """Shows a home, and does what is asked of it: each with its line in the access log."""

    def __init__(self, pages: PlainPages) -> None:
        self._pages = pages

    def show(self, request: Request, home: str) -> Response:
        def work(conn: Connection, who: Principal) -> Response:
            why = reason(who, Right.HOMES, home, place_of(conn, home))
            acting = Acting(conn, who, self._pages.desk.clock.now())
            with logged(acting, home, Right.HOMES, why):
                return self._page(request, acting, home)

        return self._pages.answer(request, Right.HOMES, work)

    def act(self, request: Request, home: str, right: Right, do: Do) -> Response:
        """Do it, with its line in the log; show the home with what came of it."""
        desk, words = self._pages.desk, self._pages.papers.of(request).words

        def work(conn: Connection, who: Principal) -> Response:
            acting = Acting(conn, who, desk.clock.now())
            said, refused = carried_out(acting, home, right, do)
            problem = words("home.refused", why=words.refusal(refused)) if refused else ""
            return self._page(request, acting, home, told=said, problem=problem)

        # what residents may do of this, they do on their own page
        return self._pages.answer(request, Right.HOMES, work)

    def _page(
        self, request: Request, acting: Acting, home: str, told: str = "", problem: str = ""
    ) -> Response:
        conn, who, now = acting.conn, acting.who, acting.now
        (about,) = conn.execute(_QUERIES["home"], {"household_id": home}).fetchall()
        given = {"household_id": home, "now": now}
        devices = [
            {**row, "standing": standing(row, now)}
            for row in conn.execute(_QUERIES["devices_of_home"], given)
        ]
        return self._pages.render(
            request,
            who,
            "home.html",
            "homes",
            home=about,
            devices=devices,
            cares=may(who, Right.CARE),
            names=may(who, Right.CONTACTS),
            maintains=may(who, Right.MAINTAIN),
            rule=care_of(caring.rule_of(conn, home)).rule if may(who, Right.CARE) else None,
            longest_h=LONGEST_H,
            contacts=contacts.list_contacts(conn, home) if may(who, Right.CONTACTS) else [],
            told=told,
            problem=problem,
        )


def router(pages: PlainPages) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    page = HomePage(pages)

    @routes.get("/console/homes/{household}", dependencies=[READS_HOME])
    def show(request: Request, household: Household) -> Response:
        return page.show(request, household)

    _care(routes, pages, page)
    _contacts(routes, pages, page)

    @routes.post("/console/homes/{household}/behind")
    def put_behind(
        request: Request,
        household: Household,
        device: DeviceId,
        gateway: Annotated[str, Form(pattern="^([a-z0-9][a-z0-9-]{3,39})?$")] = "",
    ) -> Response:
        words = pages.papers.of(request).words

        def do(acting: Acting) -> str:
            behind.of_home(pages.desk, acting.conn, device, household)
            behind.may_connect(pages.desk, acting.conn, acting.who, gateway or None)
            behind.connect(acting, device, gateway or None)
            key = "home.behind.put" if gateway else "home.behind.ended"
            return words(key, device=device, gateway=gateway)

        return page.act(request, household, Right.MAINTAIN, do)

    return routes


def _care(routes: APIRouter, pages: PlainPages, page: HomePage) -> None:
    @routes.post("/console/homes/{household}/care")
    def agree(
        request: Request,
        household: Household,
        silent_after_h: Annotated[int, Form(ge=1, le=LONGEST_H)],
        waking_from: Clock,
        waking_to: Clock,
    ) -> Response:
        given = Care(silent_after_h=silent_after_h, waking_from=waking_from, waking_to=waking_to)

        def do(acting: Acting) -> str:
            rule = given.rule()
            caring.set_rule(acting.conn, household, rule, now=acting.now)
            acting.told.update(told(rule))
            return pages.papers.of(request).words("home.saved")

        return page.act(request, household, Right.CARE, do)

    @routes.post("/console/homes/{household}/care/end")
    def end(request: Request, household: Household) -> Response:
        def do(acting: Acting) -> str:
            caring.end_rule(acting.conn, household)
            acting.told["ended"] = True
            return pages.papers.of(request).words("home.care.ended")

        return page.act(request, household, Right.CARE, do)


def _contacts(routes: APIRouter, pages: PlainPages, page: HomePage) -> None:
    @routes.post("/console/homes/{household}/contacts")
    def add(
        request: Request,
        household: Household,
        name: Annotated[str, Form(max_length=100, pattern=TEXT)],
        channel: Annotated[Literal["webhook", "apprise"], Form()],
        address: Annotated[str, Form(max_length=contacts.MAX_ADDRESS, pattern=TEXT)],
    ) -> Response:
        words = pages.papers.of(request).words

        def do(acting: Acting) -> str:
            number, secret = contacts.add_contact(
                acting.conn,
                household,
                name=name,
                webhook_url=address.strip() if channel == "webhook" else None,
                apprise_url=address.strip() if channel == "apprise" else None,
                now=acting.now,
            )
            acting.told["contact"] = number
            if secret is None:
                return words("home.contact.added", name=name)
            return words("home.contact.secret", name=name, secret=secret)

        return page.act(request, household, Right.ADD_CONTACT, do)

    @routes.post("/console/homes/{household}/contacts/remove")
    def remove(
        request: Request, household: Household, contact: Annotated[int, Form(ge=1, le=2**63 - 1)]
    ) -> Response:
        def do(acting: Acting) -> str:
            contacts.remove_contact(acting.conn, household, contact, now=acting.now)
            acting.told["removed"] = contact
            return pages.papers.of(request).words("home.contact.removed")

        return page.act(request, household, Right.CONTACTS, do)
