"""The operator's board in a real browser, on a real server and a real database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alerts.links import page_token
from app.accounts.users import remove_user
from core.catalogue import Source
from core.database import Connection
from core.objects import Objects
from tests.e2e.screens.homes import add_home, add_responders, loiterer, raise_event, sign_in
from tests.e2e.screens.serving import KEY, Server, settings_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.integration]


def test_an_incident_from_press_to_close(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_home(conn, "h2", "Hanbit Apartments 302")
    add_responders(conn, datetime.now(UTC))
    sign_in(page, server, conn)
    page.screenshot(path=tmp_path / "1-quiet.png")
    page.evaluate("window.neverReloaded = true")

    loitering = loiterer(Objects(settings.objects), datetime.now(UTC) - timedelta(seconds=70))
    raise_event(
        conn, settings, "h2", "loiter.started", ago_s=65, source=Source.DETECTOR, data=loitering
    )
    page.get_by_text("Loitering at the door").wait_for(timeout=1_000)
    incident_id = raise_event(conn, settings, "h1", "sos.pressed")
    cards = page.locator("button.card")
    cards.filter(has_text="SOS pressed").wait_for(timeout=1_000)
    assert "SOS pressed" in cards.nth(0).inner_text()
    assert "Loitering" in cards.nth(1).inner_text()
    before = page.locator("button.card .elapsed").nth(0).inner_text()
    page.wait_for_function(
        "before => document.querySelector('.card .elapsed').textContent !== before", arg=before
    )

    cards.nth(1).click()
    page.get_by_role("heading", name="Loitering at the door").wait_for()
    page.wait_for_function("document.querySelector('.picture img')?.naturalWidth === 960")
    assert page.locator(".picture .box").bounding_box()
    page.screenshot(path=tmp_path / "2-loitering.png")

    cards.nth(0).focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="SOS pressed").wait_for()
    page.wait_for_url(
        re.compile(rf"[?&]incident={incident_id}\b")
    )  # set after the heading is drawn
    page.get_by_text("Crew 7, Park Min-su").first.wait_for()
    page.screenshot(path=tmp_path / "3-sos.png")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Acknowledge"
    page.keyboard.press("Enter")
    page.get_by_text("Acknowledged by night-desk").wait_for()
    page.get_by_role("button", name="Send responder").click()
    page.locator(".pages").get_by_text("Guard Lee Ji-hoon").wait_for()
    page.screenshot(path=tmp_path / "4-acknowledged.png")

    page.get_by_role("button", name="Close…").click()
    page.get_by_text("Genuine").click()
    page.get_by_label("Note for the record").fill("Fell in the bathroom; ambulance took over.")
    page.screenshot(path=tmp_path / "5-closing.png")
    page.get_by_role("button", name="Close incident").click()
    page.get_by_text(f"Incident {incident_id} is closed").wait_for()
    assert cards.count() == 1
    page.set_viewport_size({"width": 1366, "height": 768})
    cards.nth(0).click()
    page.get_by_role("heading", name="Loitering at the door").wait_for()
    page.screenshot(path=tmp_path / "6-laptop.png")

    row = conn.execute("SELECT * FROM incidents WHERE incident_id = %s", (incident_id,)).fetchone()
    assert row is not None
    assert (row["state"], row["closed_by"]) == ("closed", "night-desk")
    assert row["acknowledged_by"] == "night-desk"
    assert row["closing_note"] == "Fell in the bathroom; ambulance took over."
    shown = conn.execute(
        "SELECT s.shown_at >= i.created_at AS after, s.shown_at < i.acknowledged_at AS before"
        " FROM incident_screens s JOIN incidents i USING (incident_id)"
        " WHERE incident_id = %s",
        (incident_id,),
    ).fetchone()
    assert shown == {"after": True, "before": True}  # when an open board first had it
    looks = conn.execute("SELECT action, household_id FROM access_log ORDER BY n").fetchall()
    assert [(look["action"], look["household_id"]) for look in looks] == [
        ("board.open", None),
        ("incident", "h2"),
        ("evidence", "h2"),
        ("incident", "h1"),
        ("incident", "h2"),
    ]
    assert page.evaluate("window.neverReloaded") is True


def test_a_responder_answers_on_a_telephone(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_responders(conn, datetime.now(UTC))
    sign_in(page, server, conn)
    seen = loiterer(Objects(settings.objects), datetime.now(UTC))
    raise_event(conn, settings, "h1", "sos.pressed", data=seen)
    row = conn.execute("SELECT page_id FROM pages").fetchone()
    assert row is not None
    link = f"{server.url}/page/{page_token(KEY, row['page_id'])}"

    telephone = page.context.browser.new_page(viewport={"width": 390, "height": 844})
    for _ in range(2):  # looking answers nothing, however often
        telephone.goto(link)
        telephone.get_by_role("button", name="ACCEPT").wait_for()
    telephone.wait_for_function("document.querySelector('.picture img')?.naturalWidth === 960")
    telephone.screenshot(path=tmp_path / "1-asked.png", full_page=True)
    telephone.get_by_role("button", name="ACCEPT").click()
    telephone.get_by_text("You accepted. Please go now.").wait_for()
    page.locator("button.card").get_by_text("Accepted, coming").wait_for(timeout=1_500)
    telephone.screenshot(path=tmp_path / "2-accepted.png", full_page=True)
    telephone.get_by_role("button", name="I AM ON MY WAY").click()
    telephone.get_by_text("You are on the way.").wait_for()
    page.locator("button.card").get_by_text("Help on the way").wait_for(timeout=1_500)
    assert telephone.get_by_role("button", name="I AM ON MY WAY").count() == 0
    telephone.get_by_role("button", name="I HAVE ARRIVED").click()
    telephone.get_by_text("You have arrived").wait_for()
    page.locator("button.card").get_by_text("Help has arrived").wait_for(timeout=1_500)
    telephone.screenshot(path=tmp_path / "3-arrived.png", full_page=True)
    telephone.goto(link[:-1] + ("A" if link[-1] != "A" else "B"))
    telephone.get_by_text("This link is not valid.").wait_for()
    telephone.goto(f"{server.url}/login")
    telephone.screenshot(path=tmp_path / "4-login.png")
    telephone.close()


def test_a_lost_server_is_loud_and_comes_back(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    sign_in(page, server, conn)
    banner = page.locator("#stale.shown")
    assert banner.count() == 0
    server.stop()
    banner.wait_for(timeout=4_000)
    assert re.fullmatch(
        r"NO CONNECTION TO THE SERVER — this screen is out of date since \d\d:\d\d:\d\d",
        banner.inner_text(),
    )
    page.screenshot(path=tmp_path / "1-lost.png")
    raise_event(conn, settings, "h1", "sos.pressed")
    server.start()
    page.locator("button.card").filter(has_text="SOS pressed").wait_for(timeout=15_000)
    banner.wait_for(state="hidden", timeout=5_000)
    page.screenshot(path=tmp_path / "2-back.png")


def test_a_lost_network_comes_back_without_a_reload(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    sign_in(page, server, conn)
    page.evaluate("window.neverReloaded = true")
    banner = page.locator("#stale.shown")
    server.freeze()
    banner.wait_for(timeout=4_000)
    raise_event(conn, settings, "h1", "sos.pressed")
    server.thaw()
    page.locator("button.card").filter(has_text="SOS pressed").wait_for(timeout=15_000)
    banner.wait_for(state="hidden", timeout=5_000)
    assert page.evaluate("window.neverReloaded") is True


def test_the_board_rings_again_when_an_acknowledgement_is_taken_back(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    sign_in(page, server, conn)
    page.evaluate(
        "() => { const ring = dg.ring; window.rung = [];"
        " dg.ring = (ids) => { window.rung.push(ids.length); ring(ids); }; }"
    )
    raise_event(conn, settings, "h1", "sos.pressed")
    card = page.locator("button.card.unacknowledged")
    card.click()
    acknowledge = page.get_by_role("button", name="Acknowledge", exact=True)
    acknowledge.click()
    page.get_by_text("Acknowledged by night-desk").wait_for()
    card.wait_for(state="detached")
    assert page.evaluate("window.rung") == [1, 0]
    conn.execute("UPDATE incidents SET acknowledged_at = NULL")
    card.get_by_text("Not acknowledged").wait_for(timeout=3_000)
    assert page.evaluate("window.rung") == [1, 0, 1]
    assert acknowledge.get_attribute("disabled") is None


def test_a_removed_operator_is_turned_out(page: Page, server: Server, conn: Connection) -> None:
    sign_in(page, server, conn)
    remove_user(conn, "night-desk", datetime.now(UTC))
    page.get_by_text("The session has ended").wait_for(timeout=15_000)
