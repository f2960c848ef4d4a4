"""What the tests of the screens put into the database, and signing in."""

from __future__ import annotations

import hashlib
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import cv2
import numpy as np

from alerts import incidents, responders
from app.accounts.users import add_user
from core.catalogue import Source
from core.database import Connection
from core.model import Event
from core.objects import Objects
from core.settings import Settings
from tests.e2e.screens.serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page


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


def sign_in(page: Page, server: Server, conn: Connection) -> None:
    password = add_user(conn, "night-desk", "operator")
    page.goto(server.url)
    page.get_by_label("User").fill("night-desk")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.get_by_text("Nothing needs you").wait_for(timeout=30_000)
    page.locator("#time").filter(has_text=re.compile(r"\d\d:\d\d:\d\d")).wait_for(timeout=15_000)
