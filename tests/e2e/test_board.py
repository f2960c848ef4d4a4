"""The operator's board in a real browser, on a real server and a real database.

Run as a module (`python -m tests.e2e.test_board PORT`) this file is that server.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from alerts import incidents, responders
from alerts.links import page_token
from app.accounts.users import add_user, remove_user
from app.api.models import EventReceipt
from app.embedded.ports import free_port
from core.catalogue import Source
from core.clock import SystemClock
from core.database import Connection, Database
from core.model import Event
from core.objects import Objects
from core.settings import Settings, load

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
KEY = "board-test-service-key-0123456789abcdef"


def settings_of(dsn: str, port: int, folder: Path) -> Settings:
    return load(
        database=dsn,
        broker="mqtt://127.0.0.1:1",
        service_key=KEY,
        objects=str(folder / "objects"),
        public_url=f"http://127.0.0.1:{port}",
        http_port=port,
        state_folder=folder,
    )


def serve(port: int) -> None:
    import uvicorn  # noqa: PLC0415 - NiceGUI stays out of the tests' own process

    from app.web import build  # noqa: PLC0415

    settings = settings_of(os.environ["BOARD_DSN"], port, Path(os.environ["BOARD_FOLDER"]))
    database = Database(settings.database, application="board")
    database.open()

    def no_sos(_household: str, _actor: str, _seq: int) -> EventReceipt:
        raise NotImplementedError

    app = build(settings, database, SystemClock(), Objects(settings.objects), no_sos)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)
    database.close()


class Server:
    """The process that serves the board; may be stopped and started again on the same port."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._env = os.environ | {"BOARD_DSN": dsn, "BOARD_FOLDER": str(folder)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.test_board", str(self.port)], cwd=ROOT, env=self._env
        )
        poll, deadline = threading.Event(), time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                    assert json.load(answer) == {"ok": True}
                    return
            except (urllib.error.URLError, ConnectionError):
                assert self._process.poll() is None, "the server ended by itself"
                assert time.monotonic() < deadline, "the server does not answer"
                poll.wait(0.1)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            assert self._process.wait(15) in (0, -signal.SIGTERM)
            self._process = None


def add_home(conn: Connection, household_id: str, name: str) -> None:
    conn.execute(
        "INSERT INTO households (household_id, name, address, access_note, district, lat, lon)"
        " VALUES (%s, %s, %s, %s, 'Gwanak-gu', 37.4784, 126.9516)",
        (
            household_id,
            name,
            "12-3 Sillim-ro 5-gil, 4th floor, Gwanak-gu, Seoul",
            "Key safe left of the door. Building code 2580#, lift to the 4th floor.",
        ),
    )
    conn.execute(
        "INSERT INTO residents (household_id, name, phone, note) VALUES (%s, %s, %s, %s)",
        (household_id, "Kim Young-ja (81)", "010-2345-6789", "Hard of hearing; ring twice."),
    )


def add_responders(conn: Connection, now: datetime) -> None:
    for number, (responder_id, name, kind) in enumerate(
        [
            ("crew-7", "Crew 7, Park Min-su", "crew"),
            ("guard-2", "Guard Lee Ji-hoon", "guard"),
            ("son", "Kim Do-yun (son)", "guardian"),
        ]
    ):
        responders.add(
            conn,
            responder_id,
            name=name,
            kind=kind,
            lat=37.4784 + 0.004 * (number + 1),
            lon=126.9516,
            webhook_url="http://127.0.0.1:1/page",
            now=now,
        )


def raise_event(
    conn: Connection,
    settings: Settings,
    household_id: str,
    event_type: str,
    *,
    ago_s: float = 0.0,
    source: Source = Source.DEVICE,
    data: dict[str, object] | None = None,
) -> int:
    now = datetime.now(UTC)
    event = Event(
        household_id=household_id,
        at=now - timedelta(seconds=ago_s),
        device_id=f"device-{household_id}",
        seq=time.time_ns() // 1000,
        source=source,
        type=event_type,
        received_at=now,
        data=json.dumps(data or {}).encode(),
    )
    with conn.transaction():
        incident_id = incidents.on_event(conn, event, now=now, settings=settings)
    assert incident_id is not None
    return incident_id


def loiterer(objects: Objects, captured_at: datetime) -> dict[str, object]:
    """Store a picture of a corridor with somebody in it; return the data of its finding."""
    picture = np.full((540, 960, 3), (58, 52, 48), np.uint8)
    cv2.rectangle(picture, (0, 400), (960, 540), (44, 40, 38), -1)
    cv2.rectangle(picture, (90, 90), (260, 430), (70, 84, 96), -1)
    cv2.ellipse(picture, (600, 170), (38, 46), 0, 0, 360, (120, 140, 170), -1)
    cv2.rectangle(picture, (545, 215), (655, 420), (60, 70, 110), -1)
    cv2.rectangle(picture, (560, 420), (640, 520), (40, 40, 44), -1)
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    digest = hashlib.sha256(jpeg).hexdigest()
    key = f"evidence/{digest}.jpg"
    objects.put(key, jpeg)
    return {
        "box": {"x": 0.555, "y": 0.21, "w": 0.14, "h": 0.77},
        "evidence": [
            {
                "key": key,
                "sha256": digest,
                "captured_at": captured_at.isoformat(),
                "size_bytes": len(jpeg),
            }
        ],
    }


@pytest.fixture
def server(dsn: str, tmp_path: Path) -> Iterator[Server]:
    one = Server(dsn, tmp_path)
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no Chromium here; Debian's package is `chromium`")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=found,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--no-first-run",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A window that fetches nothing from outside and logs no error."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    one = context.new_page()
    outside: list[str] = []
    faults: list[str] = []
    one.on(
        "request",
        lambda r: (
            None
            if r.url.startswith((server.url, "data:", server.url.replace("http", "ws", 1)))
            else outside.append(r.url)
        ),
    )
    one.on("pageerror", lambda error: faults.append(str(error)))
    yield one
    context.close()
    assert outside == []
    assert faults == []


def sign_in(page: Page, server: Server, conn: Connection) -> None:
    password = add_user(conn, "night-desk", "operator")
    page.goto(server.url)
    page.get_by_label("User").fill("night-desk")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.get_by_text("Nothing needs you").wait_for(timeout=10_000)
    page.locator("#time").filter(has_text=re.compile(r"\d\d:\d\d:\d\d")).wait_for(timeout=5_000)


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
    assert f"incident={incident_id}" in page.url
    page.get_by_text("Crew 7, Park Min-su").first.wait_for()
    page.screenshot(path=tmp_path / "3-sos.png")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Acknowledge"
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
    page.locator("button.card").get_by_text("Accepted, en route").wait_for(timeout=1_500)
    telephone.get_by_role("button", name="I HAVE ARRIVED").click()
    telephone.get_by_text("You have arrived").wait_for()
    page.locator("button.card").get_by_text("Help has arrived").wait_for(timeout=1_500)
    telephone.screenshot(path=tmp_path / "2-arrived.png", full_page=True)
    telephone.goto(link[:-1] + ("A" if link[-1] != "A" else "B"))
    telephone.get_by_text("This link is not valid.").wait_for()
    telephone.goto(f"{server.url}/login")
    telephone.screenshot(path=tmp_path / "3-login.png")
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


if __name__ == "__main__":
    serve(int(sys.argv[1]))
