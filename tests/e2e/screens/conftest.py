"""A server of the screens and a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.screens.serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


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


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Page]:
    """A telephone's window that fetches nothing from outside and logs no error."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    one = context.new_page()
    outside: list[str] = []
    faults: list[str] = []
    one.on("request", lambda r: None if r.url.startswith(server.url) else outside.append(r.url))
    one.on("pageerror", lambda error: faults.append(str(error)))
    yield one
    context.close()
    assert outside == []
    assert faults == []
