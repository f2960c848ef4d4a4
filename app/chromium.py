"""A headless Chromium of this machine, for pictures of the screens and for the board's soak."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.errors import ConfigurationError

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def program() -> str:
    """Return the path of Chromium; raise `ConfigurationError` with what to install."""
    try:
        import playwright  # noqa: F401, PLC0415 - for development, not among the dependencies
    except ImportError:
        raise ConfigurationError("this needs playwright: `make setup` installs it") from None
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise ConfigurationError("this needs Chromium; Debian's package is `chromium`")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Lend a browser. Raises `ConfigurationError`."""
    path = program()
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()
