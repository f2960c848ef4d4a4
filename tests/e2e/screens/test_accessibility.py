"""axe-core on every page, dark and light: no serious finding (WCAG 2.2 A and AA)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from alerts.links import page_token
from app.accounts.users import add_user, change_role
from core.catalogue import Source
from core.database import Connection
from core.objects import Objects
from tests.e2e.screens.homes import add_home, add_responders, loiterer, raise_event, sign_in
from tests.e2e.screens.serving import KEY, Server, settings_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.integration]

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "preload": False,  # what axe fetches itself would show the page's loading bar
}
PAGES = (
    "history",
    "homes",
    "responders",
    "rules",
    "figures",
    "audit",
    "users",
    "account",
)


def findings(page: Page) -> list[str]:
    """Return what axe calls serious or critical, one line each, with the place."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_serious_finding(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path, theme: str
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    page.context.add_cookies([{"name": "doorguard_theme", "value": theme, "url": server.url}])
    add_home(conn, "h1", "Kim Young-ja")
    add_home(conn, "h2", "Hanbit 302")
    add_responders(conn, datetime.now(UTC))
    wrong: dict[str, list[str]] = {}

    def look(name: str) -> None:
        found = findings(page)
        if found:
            wrong[name] = found

    page.goto(f"{server.url}/login")
    page.get_by_label("Password").wait_for()
    look("login")
    sign_in(page, server, conn)
    change_role(conn, "night-desk", "administrator")
    look("quiet board")
    seen = loiterer(Objects(settings.objects), datetime.now(UTC))
    raise_event(conn, settings, "h2", "loiter.started", source=Source.DETECTOR, data=seen)
    raise_event(conn, settings, "h1", "sos.pressed")
    page.locator("button.card").nth(1).click()
    page.get_by_role("heading", name="Loitering").wait_for()
    page.locator(".map .leaflet-tooltip").first.wait_for()
    look("detail")
    for key in ("c", "l", "n", "k", "g", "h", "b"):
        page.keyboard.press(key)
        page.locator(".q-dialog .closing").wait_for()
        page.wait_for_timeout(400)  # its opening fades in, and half a colour is no finding
        look(f"dialog {key}")
        page.keyboard.press("Escape")
        page.locator(".q-dialog .closing").wait_for(state="detached")
    soon = datetime.now(UTC) + timedelta(minutes=4)
    conn.execute("UPDATE sessions SET until = %s", (soon,))
    page.locator("main > .ending.urgent").wait_for(timeout=8_000)
    page.keyboard.press("r")
    page.locator(".q-dialog .closing").wait_for()
    page.wait_for_timeout(400)
    look("signing in again")
    page.keyboard.press("Escape")
    for name in PAGES:
        page.goto(f"{server.url}/console/{name}")
        page.locator("h1").wait_for()
        look(name)
        page.screenshot(path=tmp_path / f"{theme}-{name}.png")
    page.goto(f"{server.url}/console/history/1")
    look("one of history")
    page.goto(f"{server.url}/login/enrol")
    look("enrol")
    page.goto(f"{server.url}/login?ended=board")
    page.locator(".off").wait_for()
    look("signed out")
    row = conn.execute("SELECT page_id FROM pages").fetchone()
    assert row is not None
    page.goto(f"{server.url}/page/{page_token(KEY, row['page_id'])}")
    page.get_by_role("button", name="ACCEPT").wait_for()
    look("responder's page")
    assert wrong == {}


def test_no_serious_finding_on_the_residents_page(
    page: Page, server: Server, conn: Connection
) -> None:
    add_home(conn, "h1", "Kim Young-ja")
    password = add_user(conn, "kim", "resident", ["h1"])
    page.goto(server.url)
    page.get_by_label("User").fill("kim")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/home")
    page.wait_for_load_state("networkidle")
    assert findings(page) == []
