"""What somebody does with the resident's page on a telephone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.screens.serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def enter(phone: Page, server: Server, user: str, password: str) -> None:
    phone.goto(f"{server.url}/login")
    phone.locator("input[name=user]").fill(user)
    phone.locator("input[name=password]").fill(password)
    phone.keyboard.press("Enter")
    phone.locator("#as-of", has_text=":").wait_for(timeout=15_000)


def slide(phone: Page, part: float) -> None:
    """Draw the thumb over so much of its way."""
    box = phone.locator(".track").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    phone.mouse.move(box["x"] + 30, y)
    phone.mouse.down()
    phone.mouse.move(box["x"] + 30 + (box["width"] - 60) * part, y, steps=6)
    phone.mouse.up()


def steps(phone: Page) -> Locator:
    return phone.locator("#steps li")
