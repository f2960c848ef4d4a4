"""Pictures of the screens, taken of the demo while it runs, for docs/screens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from alerts import incidents
from alerts.links import page_token
from app.accounts import users
from app.chromium import chromium
from app.console import desk_state
from core import sql
from core.clock import Clock
from core.database import Connection, Database
from core.errors import ConfigurationError
from core.settings import Settings
from households.guardians import GuardianRight, add_guardian

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_DESK, _RESIDENT = "night-desk", "kim-sun-ja"
_LOOKS = [(language, theme) for language in ("en", "ko") for theme in ("dark", "light")]
_WIDE = {"width": 1600, "height": 1000}
_PHONE = {"width": 390, "height": 844}
_PATIENCE_MS = 20_000
_QUERIES = sql.load("app.demo")


def take(
    settings: Settings,
    database: Database,
    clock: Clock,
    folder: Path,
    *,
    home: str,
    tell: Callable[[str], None],
) -> None:
    """Take every screen in both languages and themes; `home` is the one whose SOS is open."""
    folder.mkdir(parents=True, exist_ok=True)
    with database.transaction() as conn:
        stage = _set(conn, settings, home, clock.now())
    url = settings.public_url.rstrip("/")
    with chromium() as browser:
        for language, theme in _LOOKS:
            desk = _window(browser, url, language, theme, _WIDE)
            _sign_in(desk, url, _DESK, stage["desk_password"])
            _board(desk, url, folder, f"{language}-{theme}", stage)
            desk.context.close()
            phone = _window(browser, url, language, theme, _PHONE)
            phone.goto(f"{url}{stage['page']}")
            phone.screenshot(path=folder / f"responder-{language}-{theme}.png")
            _sign_in(phone, url, _RESIDENT, stage["resident_password"])
            phone.wait_for_url("**/home*", timeout=_PATIENCE_MS)
            phone.wait_for_timeout(1500)
            phone.screenshot(path=folder / f"resident-{language}-{theme}.png")
            phone.context.close()
            tell(f"screens in {language}, {theme}: {folder}")


def _set(conn: Connection, settings: Settings, home: str, now: datetime) -> dict[str, str]:
    """Let an operator work on the SOS, and leave something to see on every page."""
    row = conn.execute(_QUERIES["open_incident_of_home"], {"household_id": home}).fetchone()
    if row is None:
        raise ConfigurationError("the demo's SOS is not open any more")
    number = row["incident_id"]
    desk_password = users.add_user(conn, _DESK, "supervisor")
    resident_password = users.add_user(conn, _RESIDENT, "resident", [home])
    add_guardian(
        conn,
        home,
        user_id="kim-do-yun",
        name="Kim Do-yun",
        relation="son",
        phone="010-5550-0199",
        rights=list(GuardianRight)[:3],
        by=_RESIDENT,
        now=now,
    )
    incidents.acknowledge(conn, number, actor=_DESK, now=now)
    incidents.verify(conn, number, actor=_DESK, now=now)
    for step in ("call_home", "ask_breathing"):
        desk_state.tick(conn, number, actor=_DESK, now=now, step=step, done=True)
    note = "She answers: dizzy, sits on the floor, door can be opened from inside."
    incidents.add_note(conn, number, actor=_DESK, now=now, note=note)
    desk_state.write_shift_note(
        conn, actor="day-desk", now=now, text="Key safe at Mangwon 301 was changed today: 4711#."
    )
    page = page_token(settings.service_key, row["page_id"])
    return {
        "desk_password": desk_password,
        "resident_password": resident_password,
        "page": f"/page/{page}",
        "sos": str(number),
    }


def _window(browser: Browser, url: str, language: str, theme: str, size: dict[str, int]) -> Page:
    context = browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        locale=language,
        color_scheme=theme,  # type: ignore[arg-type]  # the responder's page follows the phone
    )
    context.add_cookies(
        [
            {"name": "doorguard_language", "value": language, "url": url},
            {"name": "doorguard_theme", "value": theme, "url": url},
        ]
    )
    return context.new_page()


def _sign_in(page: Page, url: str, user: str, password: str) -> None:
    page.goto(f"{url}/login")
    page.locator("input[name=user]").fill(user)
    page.locator("input[name=password]").fill(password)
    page.keyboard.press("Enter")


def _board(page: Page, url: str, folder: Path, look: str, stage: dict[str, str]) -> None:
    page.locator("button.card").first.wait_for(timeout=_PATIENCE_MS)
    other = page.locator(f"button.card:not([data-incident='{stage['sos']}'])").first
    other.click()
    page.wait_for_function(
        "document.querySelector('.picture img')?.naturalWidth > 0", timeout=_PATIENCE_MS
    )
    page.wait_for_timeout(1200)  # the map draws itself
    page.screenshot(path=folder / f"board-{look}.png")
    page.locator(f"button.card[data-incident='{stage['sos']}']").click()
    page.locator(".map .leaflet-tooltip").first.wait_for(timeout=_PATIENCE_MS)
    page.wait_for_timeout(1200)
    page.screenshot(path=folder / f"detail-{look}.png")
    for name in ("figures",):
        page.goto(f"{url}/console/{name}")
        page.screenshot(path=folder / f"{name}-{look}.png")
