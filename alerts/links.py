"""The links of responders: a page's proves that it was sent, their own leads to all of theirs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from core.errors import Refused
from core.model import Page
from core.secrets import derive, same

_TOKEN = re.compile(r"(([1-9][0-9]{0,17})\.[A-Za-z0-9_-]{22})(?:\.([a-z]))?")
_MARKS = {"device": "d", "webhook": "w", "apprise": "a"}
_MARKED = {mark: channel for channel, mark in _MARKS.items()}
_SIGNATURE_BYTES = 16  # 128 bits: not to be guessed, and the link still fits an SMS


@dataclass(frozen=True, slots=True)
class Links:
    """URLs of one page: to look at, and to POST an answer to."""

    page_url: str
    accept_url: str
    decline_url: str


def page_token(service_key: str, page_id: int) -> str:
    """Return the token of a page, `{page_id}.{signature}`."""
    return f"{page_id}.{derive(service_key, f'page:{page_id}', n_bytes=_SIGNATURE_BYTES)}"


def read_token(service_key: str, token: str) -> int:
    """Return the page id of a token of ours; raise `Refused`."""
    match = _TOKEN.fullmatch(token)
    if match is None or not same(page_token(service_key, int(match.group(2))), match.group(1)):
        raise Refused("this link is damaged or not one of ours", "link.bad")
    return int(match.group(2))


def through(page: Page, channel: str) -> Page:
    """Return the page with links that say by which channel they came.

    The mark is not signed: whoever has the link is who was sent the page, whatever they say of the
    way it took.
    """
    mark = _MARKS.get(channel)
    if mark is None or not page.page_url:
        return page
    token = page.page_url.rpartition("/")[2]
    urls = (page.page_url, page.accept_url, page.decline_url)
    page_url, accept_url, decline_url = (url.replace(token, f"{token}.{mark}") for url in urls)
    return replace(page, page_url=page_url, accept_url=accept_url, decline_url=decline_url)


def channel_of(token: str) -> str | None:
    """Return the channel by which a link came, None where it does not say."""
    match = _TOKEN.fullmatch(token)
    return _MARKED.get(match.group(3)) if match else None


def links(public_url: str, service_key: str, page_id: int) -> Links:
    """Return the URLs that stand in a page."""
    base, token = public_url.rstrip("/"), page_token(service_key, page_id)
    return Links(
        page_url=f"{base}/page/{token}",
        accept_url=f"{base}/v1/pages/{token}/accept",
        decline_url=f"{base}/v1/pages/{token}/decline",
    )


def responder_token(service_key: str, responder_id: str, version: int) -> str:
    """Return the token of a responder's own link; another version makes the former ones void."""
    signed = derive(service_key, f"responder:{version}:{responder_id}", n_bytes=_SIGNATURE_BYTES)
    return f"{responder_id}.{signed}"


def whose_token(token: str) -> str:
    """Return the responder a token names, not yet believed."""
    return token.rpartition(".")[0]


def check_responder_token(service_key: str, token: str, version: int) -> str:
    """Return the responder id of a token of ours of this version; raise `Refused`."""
    responder_id = whose_token(token)
    if not responder_id or not same(responder_token(service_key, responder_id, version), token):
        raise Refused(
            "this link is damaged, not one of ours, or was replaced by a newer one", "link.bad"
        )
    return responder_id
