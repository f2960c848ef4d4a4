"""The door pane in an operator's hands, without a way to devices: each no is told in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.accounts.users import add_user
from core.clock import SystemClock
from core.database import Connection
from gateway import registry
from tests.e2e.screens.homes import add_home, raise_event, sign_in
from tests.e2e.screens.serving import Server, settings_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture
def home(conn: Connection) -> str:
    add_home(conn, "home-1", "Sillim 401")
    registry.add_device(
        conn, "camera-1", household_id="home-1", kind="camera", now=SystemClock().now()
    )
    return "home-1"


def told(page: Page, text: str) -> None:
    page.locator("[data-status]", has_text=text).wait_for(timeout=15_000)


def test_without_an_incident_a_reason_is_asked_for(
    server: Server, page: Page, conn: Connection, home: str
) -> None:
    sign_in(page, server, conn)
    page.goto(f"{server.url}/console/door")
    page.locator("input[name=home]").fill(home)
    page.keyboard.press("Enter")
    page.locator("section.door[data-state=idle]").wait_for(timeout=10_000)
    page.locator("h1").click()
    page.keyboard.press("v")
    told(page, "An open incident or a reason is needed")
    page.locator("[data-reason]").fill("the caretaker saw smoke")
    page.keyboard.press("v")  # typed, not done
    assert page.locator("[data-reason]").input_value().endswith("smokev")
    page.locator("[data-do=live]").click()
    told(page, "The service is away")  # allowed, but these tests have no broker
    assert Axe().run(page).response["violations"] == []
    lines = conn.execute(
        "SELECT action, detail->>'reason' AS reason FROM access_log"
        " WHERE household_id = %s ORDER BY n",
        (home,),
    ).fetchall()
    assert [(line["action"], line["reason"]) for line in lines] == [
        ("door", "looked up"),
        ("refused", None),
        ("live", "the caretaker saw smokev"),
    ]


def test_in_an_incident_the_pane_is_a_key_away(
    server: Server, page: Page, conn: Connection, home: str, tmp_path
) -> None:
    raise_event(conn, settings_of("dbname=x", server.port, tmp_path), home, "sos.pressed")
    sign_in_at_the_board(page, server, conn)
    page.locator("button.card").first.click(timeout=15_000)
    page.locator("section.door[data-state=idle]").wait_for(timeout=15_000)
    page.keyboard.press("v")
    told(page, "The service is away")
    looks = conn.execute(
        "SELECT detail->>'reason' AS reason FROM access_log WHERE action = 'live'"
    ).fetchall()
    assert [look["reason"] for look in looks] == ["open incident"]


def sign_in_at_the_board(page: Page, server: Server, conn: Connection) -> None:
    """As `sign_in`, with something on the board."""
    password = add_user(conn, "night-desk", "operator")
    page.goto(f"{server.url}/login")
    page.locator("input[name=user]").fill("night-desk")
    page.locator("input[name=password]").fill(password)
    page.keyboard.press("Enter")
