"""The end of a session under an open board: told before it comes, renewed in place, loud after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
import pytest

from app.accounts.second_factor import SecondFactor, begin
from app.accounts.users import new_password_for
from core.database import Connection
from tests.e2e.screens.homes import add_home, raise_event, sign_in
from tests.e2e.screens.serving import KEY, Server, settings_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.integration]
STRIP = "main.board > .ending"


def ends_in(conn: Connection, minutes: float) -> None:
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    assert conn.execute("UPDATE sessions SET until = %s", (until,)).rowcount == 1


def password_of(conn: Connection) -> str:
    """Give the operator a new password, which ends no session here."""
    with conn.transaction():
        password = new_password_for(conn, "night-desk", datetime.now(UTC))
        conn.execute("UPDATE sessions SET ended_at = NULL")
    return password


def test_an_operator_signs_in_again_without_leaving_the_board(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    sign_in(page, server, conn)
    page.evaluate("window.neverReloaded = true")
    raise_event(conn, settings, "h1", "sos.pressed")
    page.locator("button.card").first.click()
    page.get_by_role("heading", name="SOS pressed").wait_for()
    strip = page.locator(STRIP)
    assert not strip.is_visible()
    ends_in(conn, 20)
    page.locator(f"{STRIP}.soon").wait_for(timeout=8_000)
    assert "Sign in again before" in strip.inner_text()
    page.screenshot(path=tmp_path / "1-soon.png")
    ends_in(conn, 4)
    page.locator(f"{STRIP}.urgent").wait_for(timeout=8_000)
    assert "in 4 min" in strip.inner_text()
    assert strip.get_attribute("role") == "alert"
    page.screenshot(path=tmp_path / "2-urgent.png")

    password = password_of(conn)
    page.keyboard.press("r")
    dialog = page.locator(".q-dialog .closing")
    dialog.get_by_label("Password").fill("not the one")
    assert dialog.get_by_label("Code").is_hidden()  # no telephone to show
    page.keyboard.press("Enter")
    dialog.get_by_text("Wrong password").wait_for()
    page.screenshot(path=tmp_path / "3-wrong.png")
    dialog.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    strip.wait_for(state="hidden")
    assert page.get_by_role("heading", name="SOS pressed").is_visible()
    assert page.evaluate("window.neverReloaded") is True
    lines = conn.execute("SELECT detail FROM access_log WHERE action = 'board.open'").fetchall()
    assert [line["detail"]["reason"] for line in lines] == ["signed in", "signed in again"]


def test_a_code_is_asked_where_there_is_a_telephone(
    page: Page, server: Server, conn: Connection, tmp_path: Path
) -> None:
    sign_in(page, server, conn)
    secret, password = begin("night-desk").secret, password_of(conn)
    now = datetime.now(UTC)
    then = now - timedelta(seconds=30)  # an earlier step: the one of now is not spent
    enrolled = pyotp.TOTP(secret).at(then)
    SecondFactor(KEY).enrol(conn, "night-desk", secret, enrolled, now)
    ends_in(conn, 4)
    page.locator(f"{STRIP}.urgent").wait_for(timeout=8_000)
    page.get_by_role("button", name="Sign in again").first.click()
    dialog = page.locator(".q-dialog .closing")
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_label("Code").fill(pyotp.TOTP(secret).at(datetime.now(UTC)))
    page.screenshot(path=tmp_path / "1-code.png")
    dialog.get_by_role("button", name="Sign in again").click()
    page.locator(STRIP).wait_for(state="hidden")


def test_another_window_that_signs_in_again_takes_the_warning_away(
    page: Page, server: Server, conn: Connection, tmp_path: Path
) -> None:
    sign_in(page, server, conn)
    ends_in(conn, 4)
    strip = page.locator(STRIP)
    page.locator(f"{STRIP}.urgent").wait_for(timeout=8_000)
    other = page.context.new_page()
    other.goto(f"{server.url}/console/figures")
    assert "in 4 min" in other.locator(".ending.urgent").inner_text()
    other.screenshot(path=tmp_path / "1-figures.png")
    other.get_by_role("link", name="Sign in again").click()
    other.get_by_label("User").fill("night-desk")
    other.get_by_label("Password").fill(password_of(conn))
    other.keyboard.press("Enter")
    other.get_by_text("Nothing needs you").wait_for()
    strip.wait_for(state="hidden", timeout=8_000)
    other.goto(f"{server.url}/console/figures")
    assert other.locator(".ending").count() == 0


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_board_whose_session_ended_says_so_loudly(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path, language: str
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    sign_in(page, server, conn)
    raise_event(conn, settings, "h1", "sos.pressed")
    page.locator("button.card").first.wait_for()
    cookie = {"name": "doorguard_language", "value": language, "url": server.url}
    page.context.add_cookies([cookie])
    ends_in(conn, 0)
    off = page.locator(".off[role=alert]")
    off.wait_for(timeout=8_000)
    said = {"en": "SIGNED OUT — no alarm is shown here", "ko": "로그아웃됨"}[language]
    assert said in off.inner_text()
    assert page.title().startswith("⚠")
    assert page.locator("button.card").count() == 0  # nothing of a home stays
    page.screenshot(path=tmp_path / f"1-off-{language}.png")
    page.goto(server.url)  # so does who comes back to it
    off.wait_for()
