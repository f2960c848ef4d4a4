"""How times, distances and facts are shown; pure, and the same on every screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alerts.board import IncidentCard, LogLine, PageLine
from alerts.evidence import Box, EvidenceLine
from alerts.lifecycle import Move
from app.console.words import CATALOGUE, Words
from core.settings import Settings

_ACTIVE = ("arrived", "accepted", "sent", "planned")


def distance(metres: float) -> str:
    """Return a distance as people say it: whole tens of metres, then kilometres."""
    return f"{round(metres, -1):.0f} m" if metres < 995 else f"{metres / 1000:.1f} km"


def took(seconds: float) -> str:
    """Return a span of time in the unit people think in: ms, s, min, h."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.1f} min" if seconds % 60 else f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def epoch_ms(at: datetime) -> int:
    """Return milliseconds since the epoch, as the page's own clock counts."""
    return round(at.timestamp() * 1000)


def box_percent(box: Box | None) -> dict[str, float] | None:
    """Return the part of a box that lies in the picture, in percent; None when nothing does."""
    if box is None:
        return None
    x, y, w, h = (side * 100 for side in (box.x, box.y, box.w, box.h))
    left, top = max(0.0, min(x, 100.0)), max(0.0, min(y, 100.0))
    right, bottom = max(0.0, min(x + w, 100.0)), max(0.0, min(y + h, 100.0))
    if right <= left or bottom <= top:
        return None
    return {"left": left, "top": top, "width": right - left, "height": bottom - top}


def pictures(card: IncidentCard, limit: int) -> list[EvidenceLine]:
    """Return the newest pictures first, each once, at most `limit`."""
    newest = {line.sha256: line for line in card.evidence[::-1]}
    return list(newest.values())[:limit]


def foremost(pages: Iterable[PageLine]) -> PageLine | None:
    """Return the page an operator asks about first: who comes, else who was asked last."""
    lines = list(pages)
    for state in _ACTIVE[:2]:
        for line in lines:
            if line.state == state:
                return line
    return max(lines, key=lambda line: (line.planned_at, line.page_id), default=None)


def log_line(line: LogLine, names: Mapping[str, str], words: Words) -> str:
    """Return one line of the timeline in words; `names` turns responder ids into names."""
    given: dict[str, Any] = dict(line.detail)
    who = str(given.get("responder_id") or given.get("responder") or "")
    return words.of("move", line.move, responder=names.get(who, who))


def note_of(line: LogLine, words: Words) -> str:
    """Return the free text of a log line, empty when it has none; a script's step in words."""
    if line.move == Move.HAND_OVER:
        return _handed_over(line.detail, words)
    if line.detail.get("on_test_by"):
        by, why = line.detail["on_test_by"], line.detail["on_test_why"]
        return words("detail.raised_on_test", who=by, why=why)
    note = str(line.detail.get("note") or "")
    if note.startswith("script: "):
        step, _, done = note.removeprefix("script: ").partition(" ")
        return f"{words.of('step', step)}: {words.of('script', done.replace(' ', '_'))}"
    return note


def _handed_over(detail: Mapping[str, Any], words: Words) -> str:
    said = [words.of("call", str(detail["service"]))]
    step, outcome = detail.get("step"), detail.get("outcome")
    if outcome is not None:
        said += [words.of("call.outcome", outcome), detail["spoken_to"], detail["reference"]]
    elif step == "begun":
        said.append(words("hand_off.begun"))
    else:
        done = words("script.done" if detail["done"] else "script.taken_back")
        said.append(f"{words.of('call', str(step))}: {done}")
    return " · ".join(one for one in said if one)


def trail(card: IncidentCard) -> list[tuple[float, float]]:
    """Return the way somebody took, oldest first: (x, y) of the feet, percent of the picture."""
    return [
        (round((line.box.x + line.box.w / 2) * 100, 1), round((line.box.y + line.box.h) * 100, 1))
        for line in card.evidence
        if line.box is not None
    ]


class Templates:
    """The HTML of the screens; everything that comes from data is escaped."""

    def __init__(self, words: Words, timezone: str, theme: str = "dark") -> None:
        self.words = words
        self.theme = theme
        self._zone = ZoneInfo(timezone)
        self._environment = Environment(
            loader=PackageLoader("app.console"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(t=words, of=words.of, language=words.language, theme=theme)
        self._environment.filters.update(
            clock=self.clock,
            minute=self.minute,
            day=self.day,
            distance=distance,
            took=took,
            ms=epoch_ms,
            box=box_percent,
        )

    def clock(self, at: datetime) -> str:
        """Return the local time of day of the service, to the second."""
        return at.astimezone(self._zone).strftime("%H:%M:%S")

    def minute(self, at: datetime) -> str:
        """Return the local time of day of the service, to the minute."""
        return at.astimezone(self._zone).strftime("%H:%M")

    def day(self, at: datetime) -> str:
        """Return the local day and time, to the minute."""
        return at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")

    def render(self, name: str, **given: Any) -> str:
        """Return the text of a template."""
        return self._environment.get_template(name).render(**given)


THEMES = ("dark", "light")
LANGUAGE_COOKIE, THEME_COOKIE = "doorguard_language", "doorguard_theme"


class Papers:
    """The templates in each language and theme; a browser's cookies choose."""

    def __init__(self, settings: Settings) -> None:
        self._usual = (settings.language, "dark")
        self._made = {
            (language, theme): Templates(Words(language), settings.timezone, theme)
            for language in CATALOGUE
            for theme in THEMES
        }

    def of(self, request: Request) -> Templates:
        """Return the templates for this browser."""
        cookies = request.cookies
        language, theme = self._usual
        wanted = (
            cookies.get(LANGUAGE_COOKIE, language),
            cookies.get(THEME_COOKIE, theme),
        )
        return self._made.get(wanted, self._made[self._usual])


def names_of(card: IncidentCard) -> dict[str, str]:
    """Return responder names by id, of those who were paged."""
    return {line.responder_id: line.responder_name for line in card.pages}
