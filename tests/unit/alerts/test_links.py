"""A page's token opens that page and no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.links import links, page_token, read_token
from core.errors import Refused

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
