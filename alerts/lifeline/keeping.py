"""Answers to pages that stand in a database which is away, and that no lifeline carries; pure.

Whether they still fit is for the database to say: they are written down, and given to it in order
when it is back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from alerts.lifeline.records import Entered, Kept, Record, Said
from core.errors import Conflict

MOST_OF_A_PAGE = 20  # who goes to and fro with one link must not fill the disk


class Keeping:
    """State of what waits. Every change is a record; not thread-safe."""

    def __init__(self) -> None:
        self.waiting: list[Kept] = []

    def keep(self, page_id: int, said: Said, *, now: datetime) -> list[Kept]:
        """Return what an answer adds: nothing when it was the last one of its page already.

        Raises `Conflict` for a page of which too many wait.
        """
        before = [one.answer for one in self.waiting if one.page_id == page_id]
        if before and before[-1] == said.answer:
            return []
        if len(before) >= MOST_OF_A_PAGE:
            raise Conflict("too many answers to this page wait for the database", "page.too_many")
        return [Kept(page_id, said.answer, now, said.found, said.channel)]

    def next(self) -> list[Kept]:
        """Return the oldest answer of each page."""
        first: dict[int, Kept] = {}
        for one in self.waiting:
            first.setdefault(one.page_id, one)
        return list(first.values())

    def apply(self, records: Iterable[Record]) -> None:
        """Let records take effect; those of incidents have none here."""
        for record in records:
            if isinstance(record, Kept):
                self.waiting.append(record)
            elif isinstance(record, Entered):
                self.waiting = [
                    one
                    for one in self.waiting
                    if (one.page_id, one.at) != (record.page_id, record.at)
                ]
