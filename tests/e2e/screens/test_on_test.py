"""A home on test in a real browser: the mark comes and goes at once, and mutes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alerts.links import page_token
from app.accounts.users import change_role
from core.database import Connection
from gateway import registry
from households.on_test import put_on_test, take_off_test
from tests.e2e.screens.homes import add_home, add_responders, raise_event, sign_in
from tests.e2e.screens.serving import KEY, Server, settings_of
from tests.e2e.screens.test_accessibility import findings

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.integration]

WHY = "new battery of the button"


def put_on(conn: Connection, home: str, at: datetime) -> None:
    with conn.transaction():
        put_on_test(conn, home, minutes=90, reason=WHY, by="tech-kim", now=at)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_board_says_who_works_there(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path, theme: str
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    page.context.add_cookies([{"name": "doorguard_theme", "value": theme, "url": server.url}])
    add_home(conn, "h1", "Kim Young-ja")
    add_home(conn, "h2", "Hanbit 302")
    add_responders(conn, datetime.now(UTC))
    sign_in(page, server, conn)
    page.evaluate(
        "() => { const ring = dg.ring; window.rung = [];"
        " dg.ring = (ids) => { window.rung.push(ids.length); ring(ids); }; }"
    )
    raise_event(conn, settings, "h2", "sos.pressed", ago_s=120)
    cards = page.locator("button.card")
    cards.filter(has_text="Hanbit 302").wait_for(timeout=3_000)
    for home in ("h1", "h2"):
        put_on(conn, home, datetime.now(UTC) - timedelta(seconds=60))
    before = cards.filter(has_text="this alarm came BEFORE")  # what was open is nobody's test
    before.wait_for(timeout=3_000)
    incident = raise_event(conn, settings, "h1", "sos.pressed")
    mark = cards.locator(".on-test").filter(has_text=f"tech-kim: {WHY}")
    mark.wait_for(timeout=3_000)
    assert mark.locator("svg.wrench").count() == 1
    assert page.evaluate("window.rung") == [1, 2]  # it rings as any other
    cards.filter(has_text="Kim Young-ja").click()
    banner = page.locator("#detail .notice.on-test")
    banner.filter(has_text="Ask the technician first").wait_for()
    page.get_by_text("the home was on test · put on by tech-kim").wait_for()
    assert findings(page) == []
    page.screenshot(path=tmp_path / f"{theme}-1-on-test.png")

    page.keyboard.press("c")
    choices = page.locator(".q-dialog .q-radio")
    choices.first.wait_for()
    page.wait_for_timeout(400)  # its opening fades in
    assert choices.first.inner_text().strip() == "Test"
    assert page.locator('.q-dialog [aria-checked="true"]').count() == 0
    page.screenshot(path=tmp_path / f"{theme}-2-closing.png")
    page.keyboard.press("Escape")
    page.locator(".q-dialog .closing").wait_for(state="detached")

    before.click()
    banner.filter(has_text="Treat it as any other").wait_for()
    page.keyboard.press("c")
    choices.first.wait_for()
    assert choices.first.inner_text().strip() == "Genuine — help was given"
    page.keyboard.press("Escape")
    page.locator(".q-dialog .closing").wait_for(state="detached")

    with conn.transaction():
        take_off_test(conn, "h1", by="tech-kim", now=datetime.now(UTC))
    mark.wait_for(state="detached", timeout=3_000)
    row = conn.execute(
        "SELECT detail FROM incident_log WHERE incident_id = %s AND n = 1", (incident,)
    ).fetchone()
    assert row is not None
    assert row["detail"]["on_test_why"] == WHY


def test_korean(page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "김영자")
    sign_in(page, server, conn)
    put_on(conn, "h1", datetime.now(UTC))
    raise_event(conn, settings, "h1", "sos.pressed")
    page.locator("button.card .on-test").filter(has_text="On test until").wait_for()
    page.context.add_cookies([{"name": "doorguard_language", "value": "ko", "url": server.url}])
    page.goto(server.url)
    page.locator("button.card .on-test").filter(has_text="까지 시험 중 · tech-kim").wait_for()
    page.locator("button.card").click()
    page.locator("#detail .notice.on-test").filter(has_text="먼저 기술자에게 확인").wait_for()
    assert findings(page) == []
    page.screenshot(path=tmp_path / "ko.png")


def test_the_homes_page_puts_it_on_and_takes_it_off(
    page: Page, server: Server, conn: Connection, tmp_path: Path
) -> None:
    add_home(conn, "h1", "Kim Young-ja")
    for kind in ("button", "camera"):
        registry.add_device(conn, f"{kind}-h1", household_id="h1", kind=kind, now=datetime.now(UTC))
    sign_in(page, server, conn)
    change_role(conn, "night-desk", "technician")
    page.goto(f"{server.url}/console/homes")
    put = page.locator("summary", has_text="Put on test")
    assert put.count() == 1  # once a home, however many devices
    put.click()
    page.get_by_label("For how long").select_option("120")
    page.get_by_label("What do you do there?").fill(WHY)
    assert findings(page) == []
    page.screenshot(path=tmp_path / "homes-1-form.png")
    page.get_by_role("button", name="Put on test").click()
    page.get_by_text("is on test until").wait_for()
    marks = page.locator("td .on-test").filter(has_text=f"night-desk: {WHY}")
    assert marks.count() == 2
    assert findings(page) == []
    page.screenshot(path=tmp_path / "homes-2-on-test.png")
    page.get_by_role("button", name="Take off test").click()
    page.get_by_text("is not on test any more").wait_for()
    assert marks.count() == 0

    put_on(conn, "h1", datetime.now(UTC))
    change_role(conn, "night-desk", "officer", "Gwanak-gu")  # sees it, and cannot change it
    page.goto(f"{server.url}/console/homes")
    page.locator("td .on-test").first.wait_for()
    assert page.get_by_role("button", name="Take off test").count() == 0


def test_the_responder_is_told_and_goes(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_responders(conn, datetime.now(UTC))
    put_on(conn, "h1", datetime.now(UTC))
    raise_event(conn, settings, "h1", "sos.pressed")
    row = conn.execute("SELECT page_id FROM pages").fetchone()
    assert row is not None
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/page/{page_token(KEY, row['page_id'])}")
    page.get_by_text("Nobody has cleared this alarm: go all the same.").wait_for()
    page.get_by_role("button", name="ACCEPT").wait_for()
    assert findings(page) == []
    page.screenshot(path=tmp_path / "responder.png", full_page=True)
