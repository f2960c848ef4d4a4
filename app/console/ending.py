"""The end of a session, told before it comes: a strip, quiet for half an hour, loud at the last."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from nicegui import ui

from app.console.judging import button
from app.console.presenting import Templates
from app.console.renewing import Renewal, RenewalDialog

# ours: time for one alarm and what follows it (25 minutes to be there), before signing in again
SOON = timedelta(minutes=30)
URGENT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Ending:
    """A session's end that is near: when, in how many minutes (begun ones count), how loud."""

    at: datetime
    minutes: int
    how: Literal["soon", "urgent"]


def ending(until: datetime | None, now: datetime) -> Ending | None:
    """Return the end that must be told, None while it is far; `until` None: there is none."""
    if until is None or until - now > SOON:
        return None
    left = max(until - now, timedelta(0))
    return Ending(until, math.ceil(left / timedelta(minutes=1)), _how(left))


def _how(left: timedelta) -> Literal["soon", "urgent"]:
    return "urgent" if left <= URGENT else "soon"


class EndingStrip:
    """The strip of an open board, and the dialog in which one signs in again without leaving it."""

    def __init__(
        self, templates: Templates, renewal: Renewal, renewed: Callable[[], Awaitable[None]]
    ) -> None:
        self._templates = templates
        self._shown: Ending | None = None
        with ui.element("div").classes("ending") as self._strip:
            self._text = ui.html("", sanitize=False)
            self._dialog = RenewalDialog(templates.words, renewal, renewed)
            button(templates.words("session.again"), "small", self._dialog.open, "r")
        self._strip.set_visibility(False)

    def show(self, until: datetime | None, now: datetime) -> None:
        """Bring the strip to what is left of the session."""
        ends = ending(until, now)
        if ends == self._shown:
            return
        self._shown = ends
        self._strip.set_visibility(ends is not None)
        if ends is None:
            self._dialog.close()  # signed in again, here or in another window
            return
        self._strip.classes(remove="soon urgent", add=ends.how)
        self._strip.props(f"role={'alert' if ends.how == 'urgent' else 'status'}")
        self._text.set_content(self._templates.render("ending.html", ending=ends))
