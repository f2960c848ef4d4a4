"""What is refused at a screen is told there, in the language of whoever reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alerts.links import page_token
from core.catalogue import Source
from core.database import Connection
from core.objects import Objects
from tests.e2e.screens.homes import add_home, add_responders, loiterer, raise_event, sign_in
from tests.e2e.screens.serving import KEY, Server, settings_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.integration]


def speaks_korean(page: Page, server: Server) -> None:
    cookie = {"name": "doorguard_language", "value": "ko", "url": server.url}
    page.context.add_cookies([cookie])


def test_an_operator_is_told_in_korean(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "김영자")
    sign_in(page, server, conn)
    speaks_korean(page, server)
    page.reload()
    seen = loiterer(Objects(settings.objects), datetime.now(UTC))
    raise_event(conn, settings, "h1", "loiter.started", source=Source.DETECTOR, data=seen)
    page.locator("button.card").first.click()
    page.locator(".actions").wait_for()
    page.keyboard.press("k")
    page.get_by_role("button", name="보류", exact=True).last.click()
    page.locator(".toast").get_by_text("보류하는 이유를 입력하세요.").wait_for()
    page.screenshot(path=tmp_path / "1-park.png")


def test_a_responder_is_told_in_korean_why_an_answer_was_refused(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "김영자")
    add_responders(conn, datetime.now(UTC))
    raise_event(conn, settings, "h1", "sos.pressed")
    row = conn.execute("SELECT page_id FROM pages").fetchone()
    assert row is not None
    speaks_korean(page, server)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/page/{page_token(KEY, row['page_id'])}")
    page.locator("form[action*='/accept'] button").click()
    page.locator("form[action$='/arrived'] button").click()
    page.locator("form.finding").wait_for()
    page.locator("input[value=nobody]").check()
    no_photo = {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": b"GIF89a"}
    page.locator("form.finding input[type=file]").set_input_files(no_photo)
    page.locator("form.finding button").click()
    problem = page.get_by_role("alert")
    problem.get_by_text("사진을 읽을 수 없습니다. JPEG로 보내세요.").wait_for()
    page.screenshot(path=tmp_path / "1-photo.png")
    page.reload()
    page.locator("form.finding").wait_for()
    assert problem.count() == 0  # told once

    conn.execute("UPDATE pages SET state = 'declined'")
    page.locator("input[value=nobody]").check()
    page.locator("form.finding button").click()
    problem.get_by_text("수락한 사람만 할 수 있습니다.").wait_for()
    page.screenshot(path=tmp_path / "2-declined.png")
