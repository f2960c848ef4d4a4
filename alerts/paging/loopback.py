"""The channel of the synthetic responder: everything up to it is real, nobody is disturbed."""

from __future__ import annotations

from core.model import Page


class LoopbackChannel:
    """Takes every message."""

    name = "loopback"

    def send(self, page: Page, address: str, secret: str) -> None:
        """Return: the page has gone the whole way."""
