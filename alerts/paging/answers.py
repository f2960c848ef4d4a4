"""What a responder answers on a pager: believed for pages of whoever carries it, and no others."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from alerts import pages
from alerts.audit import record_access
from alerts.pages import AnswerView
from core import sql
from core.database import Connection
from core.errors import DecodeError, Refused
from core.settings import Settings

_QUERIES = sql.load("alerts.paging")


class PagerAnswer(msgspec.Struct, frozen=True):
    """The data of a pager's `reply` by which it answers; repeated until `page.state` has come."""

    page_id: int
    answer: Literal["accept", "decline", "departed", "arrived"]


def read_answer(data: bytes) -> PagerAnswer | None:
    """Return the answer in a reply's data; None when it holds none. Raises `DecodeError`."""
    try:
        told = msgspec.json.decode(data)
        if not isinstance(told, dict) or "answer" not in told:
            return None
        return msgspec.convert(told, PagerAnswer)
    except msgspec.MsgspecError as error:
        raise DecodeError("schema", f"a pager's answer: {error}") from None


def take_answer(
    conn: Connection, device_id: str, given: PagerAnswer, *, now: datetime, settings: Settings
) -> AnswerView:
    """Carry out an answer; the same again changes nothing.

    Raises what `alerts.pages` raises, and `Refused` when the page is not of whoever carries this
    pager; that is for `note_refused` to keep.
    """
    row = conn.execute(_QUERIES["carrier"], {"page_id": given.page_id}).fetchone()
    if row is None or row["device_id"] != device_id:
        raise Refused(f"page {given.page_id} was not sent to {device_id}", "page.others")
    return _carry_out(conn, given, now, settings)


def note_refused(conn: Connection, device_id: str, page_id: int, *, now: datetime) -> None:
    """Keep in the access log that a pager answered somebody else's page."""
    detail: dict[str, Any] = {"page_id": page_id, "reason": "not sent to this pager"}
    record_access(
        conn,
        actor=f"device:{device_id}",
        action="page.refused",
        household_id=None,
        now=now,
        detail=detail,
    )


def _carry_out(
    conn: Connection, given: PagerAnswer, now: datetime, settings: Settings
) -> AnswerView:
    if given.answer == "departed":
        return pages.depart(conn, given.page_id, now=now)
    if given.answer == "arrived":
        return pages.arrive(conn, given.page_id, now=now)
    accept = given.answer == "accept"
    return pages.answer(
        conn, given.page_id, accept=accept, now=now, settings=settings, channel="device"
    )
