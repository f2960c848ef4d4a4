"""The resident's page on a telephone: a call for help, its honest status, who may what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from alerts import code_words, pages
from app.accounts.users import add_user
from core.clock import SystemClock
from core.database import Connection
from gateway import registry
from households.guardians import GuardianRight, add_guardian
from tests.e2e.screens.homes import add_home, add_responders, sign_in
from tests.e2e.screens.serving import Server, settings_of
from tests.e2e.screens.telephone import enter, slide, steps

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.integration, pytest.mark.browser]

HOME = "home-1"


@pytest.fixture
def home(conn: Connection) -> str:
    """A home with a camera and responders; returns the resident's password."""
    add_home(conn, HOME, "Sillim 401")
    add_responders(conn, datetime.now(UTC))
    registry.add_device(conn, "camera-1", household_id=HOME, kind="camera", now=SystemClock().now())
    return add_user(conn, "kim", "resident", [HOME])


def test_an_sos_from_the_phone_reaches_the_board_and_help_is_told_honestly(
    server: Server, page: Page, phone: Page, conn: Connection, home: str, tmp_path
) -> None:
    sign_in(page, server, conn)
    enter(phone, server, "kim", home)
    slide(phone, 0.5)  # a pocket does not call for help
    slide(phone, 1.0)
    page.locator("#detail, .queue", has_text="Sillim 401").first.wait_for(timeout=10_000)
    page.get_by_text("SOS pressed").first.wait_for(timeout=10_000)
    steps(phone).filter(has_text="Received").wait_for(timeout=10_000)
    steps(phone).filter(has_text="Looking for who is nearest").wait_for(timeout=10_000)

    rows = conn.execute("SELECT page_id FROM pages ORDER BY page_id").fetchall()
    assert rows
    page_id, settings = rows[0]["page_id"], settings_of("dbname=x", server.port, tmp_path)
    now = SystemClock().now
    with conn.transaction():
        pages.answer(conn, page_id, accept=True, now=now(), settings=settings)
    steps(phone).filter(has_text="is coming").wait_for(timeout=10_000)
    with conn.transaction():
        pages.depart(conn, page_id, now=now())
        pages.arrive(conn, page_id, now=now())
    phone.locator("#steps li[data-done]", has_text="Arrived").wait_for(timeout=10_000)
    (count,) = conn.execute("SELECT count(*) AS n FROM incidents").fetchall()
    assert count["n"] == 1, "half a slide is no call"


def test_an_sos_by_keyboard_takes_two_presses(
    server: Server, phone: Page, conn: Connection, home: str
) -> None:
    enter(phone, server, "kim", home)
    key = phone.locator(".sos-key")
    key.focus()
    phone.keyboard.press("Enter")
    key.filter(has_text="Press again").wait_for()
    assert conn.execute("SELECT count(*) AS n FROM incidents").fetchall()[0]["n"] == 0
    phone.keyboard.press("Enter")
    steps(phone).filter(has_text="Received").wait_for(timeout=10_000)


def test_a_phone_that_lost_its_way_says_so_and_does_not_give_up(
    server: Server, phone: Page, conn: Connection, home: str
) -> None:
    enter(phone, server, "kim", home)
    server.freeze()
    phone.locator("#stale", has_text="No connection since").wait_for(timeout=20_000)
    slide(phone, 1.0)
    phone.locator("#sos-told", has_text="NOT SENT YET").wait_for(timeout=20_000)
    assert phone.locator("a.call[href='tel:119']").is_visible()
    server.thaw()
    steps(phone).filter(has_text="Received").wait_for(timeout=20_000)
    phone.locator("#stale").wait_for(state="hidden", timeout=20_000)
    (count,) = conn.execute("SELECT count(*) AS n FROM incidents").fetchall()
    assert count["n"] == 1, "however often it was sent, it is one call"


def test_a_call_is_cancelled_by_the_code_word_alone(
    server: Server, phone: Page, conn: Connection, home: str
) -> None:
    code_words.set_words(conn, HOME, cancel="harmless", duress="help me", now=SystemClock().now())
    enter(phone, server, "kim", home)
    slide(phone, 1.0)
    phone.locator("#cancel summary").click(timeout=10_000)
    field, answer = phone.locator("#cancel input"), phone.locator("#cancel .answer")
    field.fill("please")
    field.press("Enter")
    answer.filter(has_text="not the code word").wait_for(timeout=10_000)
    field.fill("Harmless")
    field.press("Enter")
    steps(phone).filter(has_text="Cancelled at").wait_for(timeout=10_000)


def test_modes_and_guardians_are_set_and_stay_set(
    server: Server, phone: Page, conn: Connection, home: str
) -> None:
    enter(phone, server, "kim", home)
    phone.locator("input[value=away]").check()
    phone.locator("#mode-answer", has_text="Saved").wait_for()
    phone.locator("#family summary").click()
    phone.locator("#name-guardian input[name=name]").fill("Lee <b>Young-hee</b>")
    phone.locator("#name-guardian input[value=history]").check()
    phone.locator("#name-guardian button").click()
    codes = phone.locator("#secret code")
    codes.nth(1).wait_for(timeout=10_000)
    user, password = codes.nth(0).inner_text(), codes.nth(1).inner_text()
    phone.reload()
    phone.locator("#as-of", has_text=":").wait_for(timeout=15_000)
    assert phone.locator("input[value=away]").is_checked()
    phone.locator("#guardians li", has_text="Lee <b>Young-hee</b>").wait_for()
    assert password not in phone.content(), "shown once"

    phone.context.clear_cookies()
    enter(phone, server, user, password)
    assert phone.locator("#passages").count() == 1
    assert phone.locator("#sos").count() == 1, "alarms were ticked from the start"
    for part in ("#mode", "#looks", "#family", "[data-do=live]", "[data-do=talk]"):
        assert phone.locator(part).count() == 0, part


def test_a_guardian_who_may_nothing_sees_that_all_is_well(
    server: Server, phone: Page, conn: Connection, home: str
) -> None:
    password = add_user(conn, "son", "guardian", [HOME])
    rights: list[GuardianRight] = []
    add_guardian(
        conn, HOME, "son",
        name="Son", relation="", phone="", rights=rights, by="kim", now=SystemClock().now(),
    )  # fmt: skip
    enter(phone, server, "son", password)
    phone.get_by_role("heading", name="All is well").wait_for()
    assert phone.locator("#sos").count() == 0


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("ko", "light")])
def test_the_page_is_accessible(
    server: Server, phone: Page, conn: Connection, home: str, language: str, theme: str
) -> None:
    phone.context.add_cookies(
        [
            {"name": f"doorguard_{name}", "value": value, "url": server.url}
            for name, value in (("language", language), ("theme", theme))
        ]
    )
    enter(phone, server, "kim", home)
    slide(phone, 1.0)
    phone.locator("#steps li").first.wait_for(timeout=10_000)
    phone.locator("#family summary").click()
    assert phone.evaluate("document.documentElement.lang") == language
    found = Axe().run(phone).response["violations"]
    told = [(one["id"], one["impact"], [node["target"] for node in one["nodes"]]) for one in found]
    assert told == []
    wide = phone.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, "nothing runs out of the screen"
