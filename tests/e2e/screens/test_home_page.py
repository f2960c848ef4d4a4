"""One home among the pages of the service: its care rule, its contacts, what devices are behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.accounts.users import add_user
from core.clock import SystemClock
from core.database import Connection
from gateway import registry
from households import caring, contacts
from households.care import CareRule
from tests.e2e.screens.homes import add_home
from tests.e2e.screens.serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.integration, pytest.mark.browser]

HOME = "home-1"


@pytest.fixture
def home(conn: Connection) -> str:
    add_home(conn, HOME, "Sillim 401")
    for device, kind in (("camera-1", "camera"), ("button-1", "button")):
        registry.add_device(conn, device, household_id=HOME, kind=kind, now=SystemClock().now())
    return HOME


def enter(page: Page, server: Server, conn: Connection, role: str, district: str = "") -> None:
    password = add_user(conn, f"the-{role}", role, (), district)
    page.goto(f"{server.url}/login")
    page.locator("input[name=user]").fill(f"the-{role}")
    page.locator("input[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def test_a_home_is_looked_after_by_keyboard(
    server: Server, page: Page, conn: Connection, home: str, tmp_path
) -> None:
    enter(page, server, conn, "administrator")
    page.goto(f"{server.url}/console/homes")
    page.get_by_role("link", name="Sillim 401").first.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Nothing is agreed").wait_for()

    page.get_by_label("Silent for").fill("36")
    page.get_by_label("Awake from").fill("05:30")
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="Saved").wait_for()
    page.get_by_text("after 36 h without a sign of life, counted from 05:30 to 22:00").wait_for()

    page.get_by_label("Name").fill("Lee <b>Young-hee</b>")
    page.get_by_label("Address").fill("https://phone.example/tell?key=k3y")
    page.keyboard.press("Enter")
    told = page.get_by_role("status").filter(has_text="secret").inner_text()
    secret = re.search(r"secret: (\S+)", told)
    assert secret is not None
    kept = conn.execute("SELECT webhook_secret FROM home_contacts").fetchall()
    assert kept == [{"webhook_secret": secret[1]}]
    page.screenshot(path=tmp_path / "home.png", full_page=True)

    page.get_by_label("Connects through: button-1").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Change: button-1").press("Enter")
    page.get_by_role("status").filter(has_text="button-1 connects through camera-1").wait_for()
    page.get_by_text("others connect through it").wait_for()
    assert page.locator("select[name=gateway]").count() == 1, "a gateway is behind nothing"

    page.goto(f"{server.url}/console/homes/{home}")
    assert secret[1] not in page.content(), "shown once"
    assert "k3y" not in page.content()
    page.get_by_role("button", name="Remove: Lee <b>Young-hee</b>").press("Enter")
    page.get_by_text("Nobody is told.").wait_for()
    page.get_by_role("button", name="Ask no more").press("Enter")
    page.get_by_role("status").filter(has_text="Nobody asks after this home").wait_for()
    assert caring.rule_of(conn, home) is None
    lines = conn.execute(
        "SELECT action FROM access_log WHERE household_id = %s ORDER BY n", (home,)
    ).fetchall()
    assert [line["action"] for line in lines] == [
        "homes", "care", "contact.add", "maintain", "homes", "contacts", "care",
    ]  # fmt: skip


def test_what_is_refused_is_told_and_changes_nothing(
    server: Server, page: Page, conn: Connection, home: str
) -> None:
    enter(page, server, conn, "supervisor")
    page.goto(f"{server.url}/console/homes/{home}")
    page.get_by_label("Name").fill("Her son")
    page.get_by_label("Address").fill("not an address")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="Nothing was changed").wait_for()
    page.get_by_label("Awake until").fill("07:00")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="Nothing was changed").wait_for()
    assert caring.rule_of(conn, home) is None
    assert contacts.list_contacts(conn, home) == []
    assert page.locator("select[name=gateway]").count() == 0, "devices are a technician's"


def test_a_technician_sees_devices_and_nothing_else_and_nobody_another_district(
    server: Server, page: Page, conn: Connection, home: str
) -> None:
    now = SystemClock().now()
    caring.set_rule(conn, home, CareRule(24), now=now)
    contacts.add_contact(conn, home, name="Her son", apprise_url="ntfy://x/y", now=now)
    enter(page, server, conn, "technician", "Gwanak-gu")
    page.goto(f"{server.url}/console/homes/{home}")
    page.get_by_role("heading", name="Devices", exact=True).wait_for()
    assert "Her son" not in page.content()
    assert page.locator("input[name=silent_after_h]").count() == 0
    conn.execute("UPDATE households SET district = 'Mapo-gu'")
    page.goto(f"{server.url}/console/homes/{home}")
    page.get_by_text("Your role may not open this page").wait_for()
    (refused,) = conn.execute(
        "SELECT actor, household_id FROM access_log WHERE action = 'refused'"
    ).fetchall()
    assert refused == {"actor": "the-technician", "household_id": home}


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("ko", "light")])
def test_the_page_is_accessible(
    server: Server, page: Page, conn: Connection, home: str, language: str, theme: str, tmp_path
) -> None:
    now = SystemClock().now()
    caring.set_rule(conn, home, CareRule(24), now=now)
    contacts.add_contact(conn, home, name="Her son", apprise_url="ntfy://x/y", now=now)
    page.context.add_cookies(
        [
            {"name": f"doorguard_{name}", "value": value, "url": server.url}
            for name, value in (("language", language), ("theme", theme))
        ]
    )
    enter(page, server, conn, "administrator")
    page.goto(f"{server.url}/console/homes/{home}")
    page.locator("select[name=gateway]").first.wait_for()
    page.screenshot(path=tmp_path / f"home-{language}-{theme}.png", full_page=True)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
