"""A page's token opens that page and no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.links import channel_of, links, page_token, read_token, through
from core.errors import Refused
from core.model import Page

KEY = "a service key of thirty-two chars"


@given(st.integers(1, 10**17))
def test_a_token_reads_back(page_id: int) -> None:
    assert read_token(KEY, page_token(KEY, page_id)) == page_id


@given(st.text())
def test_any_other_text_is_refused(token: str) -> None:
    with pytest.raises(Refused):
        read_token(KEY, token)


def test_a_token_of_another_page_or_key_is_refused() -> None:
    _, signature = page_token(KEY, 7).split(".")
    for forged in (f"8.{signature}", f"07.{signature}", f"7.{signature}x", f"\u0667.{signature}"):
        with pytest.raises(Refused):
            read_token(KEY, forged)
    with pytest.raises(Refused):
        read_token("another key", page_token(KEY, 7))


def test_the_links_of_a_page() -> None:
    token = page_token(KEY, 7)
    made = links("https://door.example/", KEY, 7)
    assert made.page_url == f"https://door.example/page/{token}"
    assert made.accept_url == f"https://door.example/v1/pages/{token}/accept"
    assert made.decline_url == f"https://door.example/v1/pages/{token}/decline"


def page() -> Page:
    made, at = links("https://door.example", KEY, 7), datetime(2026, 11, 26, tzinfo=UTC)
    urls = (made.page_url, made.accept_url, made.decline_url)
    where = ("home", "Jongno 1", "", 37.5, 127.0, 10.0, at, at)
    return Page(7, "7-webhook-page", "page", "near", "Near", 1, "sos", 1, *where, *urls)


@pytest.mark.parametrize("channel", ["device", "webhook", "apprise"])
def test_each_way_has_a_link_of_its_own_to_the_same_page(channel: str) -> None:
    sent = through(page(), channel)
    token = sent.page_url.rpartition("/")[2]
    assert sent.accept_url == f"https://door.example/v1/pages/{token}/accept"
    assert (read_token(KEY, token), channel_of(token)) == (7, channel)


def test_a_link_that_does_not_say_by_which_way_it_came_opens_all_the_same() -> None:
    assert through(page(), "loopback") == page()
    token = page_token(KEY, 7)
    assert (read_token(KEY, f"{token}.q"), channel_of(f"{token}.q")) == (7, None)
    assert channel_of(token) is None
    with pytest.raises(Refused):
        read_token(KEY, f"{token}.web")
