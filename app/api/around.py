"""The way around the database: what people can do while it is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from alerts.lifeline.records import Said
from alerts.pages import AnswerView, PageView
from app.accounts.principal import Principal
from app.api.models import EventReceipt
from core.errors import DatabaseAway, NotFound

if TYPE_CHECKING:
    from app.api.desk import Desk

_T = TypeVar("_T")


class WayAround(Protocol):
    """What can be done while the database is away."""

    def in_time(self, work: Callable[[], _T], otherwise: Callable[[], _T]) -> _T:
        """Return what `work` does, or what `otherwise` does where the database is away."""
        ...

    def caller(self, secret: str) -> Principal:
        """Return whose token or session this is; raise `Refused` for strangers."""
        ...

    def carry_sos(self, household_id: str, actor: str, seq: int) -> EventReceipt:
        """Take a call for help past the database. Raises `DatabaseAway`."""
        ...

    def answer(self, page_id: int, said: Said) -> AnswerView | None:
        """Take a responder's answer; None for one that counts later. Raises `Conflict`."""
        ...

    def look(self, page_id: int, *, shown: bool) -> PageView:
        """Return what a responder may see, logged where it is `shown`. Raises `DatabaseAway`."""
        ...


def in_time(desk: Desk, work: Callable[[], _T], otherwise: Callable[[WayAround], _T]) -> _T:
    """Return what `work` does with the database, or what is done around it where it is away."""
    around = desk.around
    return work() if around is None else around.in_time(work, lambda: otherwise(around))


def of_page(desk: Desk, work: Callable[[], _T], otherwise: Callable[[WayAround], _T]) -> _T:
    """As `in_time`, for a page that may not stand in the database yet: who carries it is asked."""
    around = desk.around
    if around is None:
        return work()
    try:
        return in_time(desk, work, otherwise)
    except NotFound as missing:
        try:
            return otherwise(around)
        except DatabaseAway:
            raise missing from None
