"""The page of figures, as the supervisor opens it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.database import Connection
from tests.e2e.screens.homes import add_home, raise_event, sign_in
from tests.e2e.screens.serving import Server, settings_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.integration]


def test_figures_are_shown_and_taken_home(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    sign_in(page, server, conn)
    raise_event(conn, settings, "h1", "sos.pressed", ago_s=20)
    conn.execute("UPDATE incidents SET created_at = created_at - interval '20 s'")
    page.get_by_text("Menu").click()
    page.get_by_role("link", name="Figures").click()
    page.get_by_role("heading", name="Time from the press").wait_for()
    assert "SOS pressed" in page.locator("table").nth(1).inner_text()
    missed = page.locator("tr.broken").inner_text()
    assert "NENA" in missed
    assert "NOT MET" in missed
    page.screenshot(path=tmp_path / "figures.png", full_page=True)

    page.get_by_label("district").check()
    page.get_by_role("button", name="Show").click()
    page.get_by_text("Gwanak-gu").first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert {(row["kind"], row["district"]) for row in rows} == {("sos", "Gwanak-gu")}
    assert "commit" in {row["step"] for row in rows}


def test_whoever_is_not_signed_in_is_asked_to(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/console/figures")
    page.get_by_label("Password").wait_for()
