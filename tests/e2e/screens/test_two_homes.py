"""A guardian of two homes on a telephone: which home is shown, and which one help is called for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.accounts.users import add_user
from core.clock import SystemClock
from core.database import Connection
from households.guardians import GuardianRight, add_guardian, remove_guardian
from tests.e2e.screens.homes import add_home
from tests.e2e.screens.serving import Server
from tests.e2e.screens.telephone import enter, slide, steps

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.integration, pytest.mark.browser]

MOTHER, UNCLE = "home-1", "home-2"


@pytest.fixture
def guardian(conn: Connection) -> str:
    """A guardian of two homes; returns the password."""
    add_home(conn, MOTHER, "Mother, Sillim 401")
    add_home(conn, UNCLE, "Uncle, Mangwon 301")
    password = add_user(conn, "son", "guardian", [MOTHER, UNCLE])
    for home in (MOTHER, UNCLE):
        add_guardian(
            conn, home, "son",
            name="Son", relation="", phone="", by="x", now=SystemClock().now(),
            rights=[GuardianRight.ALARMS, GuardianRight.HISTORY],
        )  # fmt: skip
    return password


def choose(phone: Page, name: str) -> None:
    phone.locator(".homes").get_by_role("link", name=name).press("Enter")
    phone.get_by_role("heading", level=1, name=name).wait_for()
    phone.locator("#as-of", has_text=":").wait_for(timeout=15_000)


def called(conn: Connection) -> list[str]:
    rows = conn.execute("SELECT household_id FROM incidents ORDER BY incident_id").fetchall()
    return [row["household_id"] for row in rows]


def test_the_home_is_chosen_stays_in_the_address_and_each_view_is_logged(
    server: Server, phone: Page, conn: Connection, guardian: str
) -> None:
    enter(phone, server, "son", guardian)
    assert phone.url.endswith("/home?home=home-1"), "the address says which home it is"
    seen = conn.execute("SELECT DISTINCT household_id FROM access_log").fetchall()
    assert [row["household_id"] for row in seen if row["household_id"]] == [MOTHER]
    choose(phone, "Uncle")
    assert phone.url.endswith("/home?home=home-2")
    phone.reload()
    phone.get_by_role("heading", level=1, name="Uncle").wait_for()
    assert phone.locator(".homes [aria-current=page]").inner_text() == "Uncle, Mangwon 301"
    phone.locator("#as-of", has_text=":").wait_for(timeout=15_000)
    looks = conn.execute(
        "SELECT household_id FROM access_log WHERE action = 'home' ORDER BY n"
    ).fetchall()
    assert [look["household_id"] for look in looks] == [MOTHER, UNCLE, UNCLE]

    remove_guardian(conn, UNCLE, "son", SystemClock().now())
    conn.execute("DELETE FROM user_households WHERE household_id = %s", (UNCLE,))
    phone.reload()
    phone.get_by_role("heading", level=1, name="Mother").wait_for()
    assert phone.locator(".homes").count() == 0
    assert phone.locator(".sos-home b").inner_text() == "Mother, Sillim 401"


def test_a_call_says_for_which_home_before_and_after(
    server: Server, phone: Page, conn: Connection, guardian: str
) -> None:
    enter(phone, server, "son", guardian)
    choose(phone, "Uncle")
    assert phone.locator(".sos-home b").inner_text() == "Uncle, Mangwon 301"
    key = phone.locator(".sos-key")
    assert key.get_attribute("aria-describedby") == "sos-home"
    key.press("Enter")
    key.filter(has_text="Press again to call help to Uncle, Mangwon 301").wait_for()
    assert called(conn) == []
    key.press("Enter")
    steps(phone).filter(has_text="Received").wait_for(timeout=10_000)
    assert called(conn) == [UNCLE]
    choose(phone, "Mother")
    phone.get_by_role("heading", name="All is well").wait_for()
    slide(phone, 1.0)
    steps(phone).filter(has_text="Received").wait_for(timeout=10_000)
    assert called(conn) == [UNCLE, MOTHER]


def test_a_call_that_is_not_sent_is_not_given_up_by_choosing_another_home(
    server: Server, phone: Page, conn: Connection, guardian: str
) -> None:
    enter(phone, server, "son", guardian)
    server.freeze()
    slide(phone, 1.0)
    told = phone.locator("#sos-told")
    told.filter(has_text="Mother, Sillim 401: Sending").wait_for()
    phone.locator(".homes").get_by_role("link", name="Uncle").click()
    told.filter(has_text="The call for Mother, Sillim 401 is not sent yet").wait_for()
    told.filter(has_text="Mother, Sillim 401: NOT SENT YET").wait_for(timeout=20_000)
    assert phone.url.endswith("home=home-1")
    server.thaw()
    steps(phone).filter(has_text="Received").wait_for(timeout=20_000)
    assert called(conn) == [MOTHER]


def test_a_resident_names_who_looks_after_another_home_already(
    server: Server, phone: Page, conn: Connection, guardian: str
) -> None:
    add_home(conn, "home-3", "Bongcheon 12")
    enter(phone, server, "kim", add_user(conn, "kim", "resident", ["home-3"]))
    assert phone.locator(".sos-home").count() == 0, "who has one home of their own needs no name"

    def name(user: str) -> None:
        phone.locator("#family details[open], #family summary").last.wait_for()
        if not phone.locator("#name-guardian").is_visible():
            phone.locator("#family summary").click()
        phone.locator("#name-guardian input[name=name]").fill("Lee")
        phone.locator("#name-guardian input[name=user_id]").fill(user)
        phone.locator("#name-guardian button").click()

    name("nobody-here")
    phone.locator("#family-answer", has_text="Nobody looks after a home").wait_for()
    name("son")
    phone.locator("#family-answer", has_text="Lee signs in as before").wait_for()
    phone.locator("#guardians li", has_text="son").wait_for()
    assert phone.locator("#secret").is_hidden()
    phone.context.clear_cookies()
    enter(phone, server, "son", guardian)
    assert phone.locator(".homes a").count() == 3


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("ko", "light")])
def test_the_page_is_accessible(
    server: Server,
    phone: Page,
    conn: Connection,
    guardian: str,
    language: str,
    theme: str,
    tmp_path,
) -> None:
    phone.context.add_cookies(
        [
            {"name": f"doorguard_{name}", "value": value, "url": server.url}
            for name, value in (("language", language), ("theme", theme))
        ]
    )
    enter(phone, server, "son", guardian)
    phone.screenshot(path=tmp_path / f"two-homes-{language}-{theme}.png")
    found = Axe().run(phone).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
    wide = phone.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, "nothing runs out of the screen"
    last = phone.locator("main .card").last
    last.scroll_into_view_if_needed()
    phone.evaluate("scrollTo(0, document.body.scrollHeight)")
    lowest, foot = last.bounding_box(), phone.locator(".foot").bounding_box()
    assert lowest is not None
    assert foot is not None
    assert lowest["y"] + lowest["height"] <= foot["y"], "nothing ends under the bar"
