"""Live view and talk, from a telephone's browser to a simulated camera over the whole system."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from psycopg import sql

from app.accounts.users import add_user
from app.provision import simulated
from gateway import registry
from households.homes import Home, add_household
from simulators.camera import DoorCamera
from simulators.source import Image, encode_jpeg
from tests.e2e.conftest import System, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.integration, pytest.mark.browser]

HOME, CAMERA = "home-door", "camera-door"
LEFT = {"name": "left", "polygon": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}


class White:
    """A white picture for ever."""

    picture: Image = np.full((360, 640, 3), 255, np.uint8)

    def at(self, _t_s: float) -> bytes:
        return encode_jpeg(self.picture)


@pytest.fixture(scope="module")
def password(system: System) -> str:
    with system.connect() as conn:
        add_household(conn, Home(HOME, "Door 1", 37.55, 126.98))
        return add_user(conn, "kim-door", "resident", [HOME])


@pytest.fixture(scope="module")
def camera(system: System, password: str) -> Iterator[DoorCamera]:
    """A door camera whose left half nobody may see; it sends a picture a second by itself."""
    with system.connect() as conn:
        made = registry.add_device(
            conn, CAMERA, household_id=HOME, kind="camera", now=datetime.now(UTC)
        )
        registry.configure(conn, CAMERA, {"masks": [LEFT]})
    one = DoorCamera(simulated(made, system.services.settings), White(), fps=1)
    one.start()
    assert one.wait_online(30)
    eventually(lambda: one.config is not None, 30, "the camera knows its masks")
    eventually(lambda: one.frames_sent > 0, 30)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def phone(system: System, password: str) -> Iterator[Page]:
    """A signed-in telephone with a microphone that beeps."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no Chromium here; Debian's package is `chromium`")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        context = browser.new_context(viewport={"width": 390, "height": 844})
        page = context.new_page()
        page.goto(system.url("/login"))
        page.locator("input[name=user]").fill("kim-door")
        page.locator("input[name=password]").fill(password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/home")
        yield page
        browser.close()


@pytest.fixture
def door(phone: Page, camera: DoorCamera) -> Page:
    """The page, opened anew."""
    phone.goto(phone.url)
    phone.locator("section.door[data-state=idle]").wait_for(timeout=20_000)
    return phone


def box(page: Page, name: str) -> float:
    """Return a number that the page keeps of its door; 0 when there is none yet."""
    return float(page.locator("section.door").get_attribute(f"data-{name}") or 0)


def status(page: Page, text: str) -> None:
    page.locator("[data-status]", has_text=re.compile(text)).wait_for(timeout=30_000)


def test_a_live_view_is_masked_and_stops_with_the_page(
    door: Page, camera: DoorCamera, system: System
) -> None:
    door.locator("[data-do=live]").click()
    eventually(lambda: box(door, "shown") >= 5, 30, "pictures on the screen")
    assert box(door, "first-ms") > 0
    status(door, "Live")
    left, right = door.evaluate(
        """() => {
            const canvas = document.querySelector("section.door canvas");
            const at = (x) => canvas.getContext("2d").getImageData(x, 180, 1, 1).data[0];
            return [at(100), at(540)];
        }"""
    )
    assert left < 16 < 240 < right
    door.goto("about:blank")
    eventually(lambda: camera._pace._fps == 1, 30, "the camera is left alone")
    door.go_back()
    with system.connect() as conn:
        looks = conn.execute(
            "SELECT detail FROM access_log WHERE action = 'live' AND household_id = %s", (HOME,)
        ).fetchall()
    assert looks[0]["detail"]["reason"] == "own home"
    assert looks[0]["detail"]["device"] == CAMERA


def test_a_picture_now(door: Page) -> None:
    door.locator("[data-do=snapshot]").click()
    status(door, "Taken at")


def test_both_hear_each_other_and_either_hangs_up(door: Page, camera: DoorCamera) -> None:
    door.locator("[data-do=talk]").click()
    eventually(lambda: box(door, "heard-ms") > 0, 30, "the tone is heard in the browser")
    eventually(lambda: box(door, "heard") > 0.05, 30)
    eventually(lambda: box(door, "said") > 0.001, 30, "the microphone beeps")
    unit = camera.talk
    assert unit is not None
    eventually(lambda: unit.loudest > 0.02, 30, "the unit hears the beep")
    status(door, "Nothing is recorded")
    eventually(
        lambda: door.evaluate("document.querySelector('section.door video').videoWidth") == 640,
        30,
        "the unit's picture",
    )
    unit.hang_up()
    status(door, "The other side hung up")

    door.locator("[data-do=talk]").click()
    eventually(unit.connected.is_set, 30)
    door.locator("[data-do=hangup]").click()
    status(door, "Ended")
    eventually(lambda: unit.call is None, 30, "the unit's line is free")


def test_who_comes_second_is_told_that_it_is_busy(door: Page, camera: DoorCamera) -> None:
    door.locator("[data-do=talk]").click()
    eventually(lambda: camera.talk is not None and camera.talk.connected.is_set(), 30)
    second = door.context.new_page()
    second.goto(door.url)
    second.locator("section.door[data-state=idle] [data-do=talk]").click(timeout=20_000)
    status(second, "Somebody else is there already")
    second.close()
    door.locator("[data-do=hangup]").click()
    eventually(lambda: camera.talk is not None and camera.talk.call is None, 30)


# what begins a recording, in whatever a browser, a camera or WebRTC would make
_SOUND = re.compile(rb"OggS|OpusHead|fLaC|RIFF....WAVE|\x1aE\xdf\xa3|ftyp(?:M4A|mp4)|ID3\x03|#!AMR")
_SIGNALLING = re.compile(r"a=ice-ufrag|a=fingerprint|candidate:\d+ \d+ udp|opus/48000")


def test_nothing_of_a_talk_is_kept(door: Page, camera: DoorCamera, system: System) -> None:
    """After a talk no byte of sound, nor what carried it, stands in database or object store."""
    door.locator("[data-do=talk]").click()
    eventually(lambda: box(door, "heard-ms") > 0, 30)
    assert camera.talk is not None
    assert _SIGNALLING.search(camera.talk._peer.localDescription.sdp), "what is looked for"
    door.locator("[data-do=hangup]").click()
    eventually(lambda: camera.talk is not None and camera.talk.call is None, 30)

    with system.connect() as conn:
        tables = [
            row["table_name"]
            for row in conn.execute(
                "SELECT table_name FROM information_schema.tables"
                " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            ).fetchall()
        ]
        assert {"events", "access_log", "incident_log", "rejected_messages"} <= set(tables)
        for table in tables:
            query = sql.SQL("SELECT t::text AS row FROM {} t").format(sql.Identifier(table))
            for row in conn.execute(query).fetchall():
                text = row["row"]
                assert not _SIGNALLING.search(text), table
                assert not _SOUND.search(text.encode()), table
    stored = [file for file in Path(system.services.settings.objects).rglob("*") if file.is_file()]
    for file in stored:
        assert not _SOUND.search(file.read_bytes()[:4096]), file
    for name in ("alarms", "app", "detect", "ingest"):
        told = [line for line in system.log if line.startswith(name)]
        assert not any(_SIGNALLING.search(line) for line in told), name


def test_a_camera_that_is_away_is_told_in_words(
    door: Page, camera: DoorCamera, system: System
) -> None:
    """Last, because it takes the camera away."""
    camera.power_cut()

    def known_away() -> bool:
        with system.connect() as conn:
            row = conn.execute(
                "SELECT online FROM device_state WHERE device_id = %s", (CAMERA,)
            ).fetchone()
        return row is not None and row["online"] is False

    eventually(known_away, 60, "the last will is heard")
    door.locator("[data-do=live]").click()
    status(door, "off the network")
    door.locator("[data-do=talk]").click()
    status(door, "off the network")
