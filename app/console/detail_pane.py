"""The right side of the board: one incident, and what an operator can do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from nicegui import ui

from alerts.board import IncidentCard
from app.console.actions import OUTCOMES, Choice, Opened, Outcome
from app.console.presenting import (
    Templates,
    distance,
    log_line,
    names_of,
    note_of,
    pictures,
)
from app.console.words import Words

_PICTURES = 3
_NEXT = ""


class Doing(Protocol):
    """What the buttons do; the screen carries it out and shows what came of it."""

    async def acknowledge(self, incident_id: int) -> None: ...
    async def dispatch(self, incident_id: int, responder_id: str | None) -> None: ...
    async def close(self, incident_id: int, outcome: Outcome, note: str) -> bool: ...


def _button(label: str, classes: str, act: Callable[[], Awaitable[None] | None]) -> ui.element:
    button = ui.html(label, sanitize=True, tag="button").classes(f"act {classes}")
    button.props('type="button"').on("click", act, args=[])
    return button


class DetailPane:
    """Shows at most one incident; built when it is opened, redrawn part by part."""

    def __init__(self, words: Words, templates: Templates, doing: Doing) -> None:
        self._t = words
        self._templates = templates
        self._doing = doing
        self._card: IncidentCard | None = None
        self._parts: dict[str, tuple[ui.html, str]] = {}
        self._acknowledge: ui.element | None = None
        self._dialog: ui.dialog | None = None
        self._box = ui.element("section").classes("detail").props('id="detail" tabindex="-1"')
        self.clear()

    @property
    def incident_id(self) -> int | None:
        """The incident that is shown."""
        return self._card.incident_id if self._card else None

    def clear(self, closed: int | None = None) -> None:
        """Show no incident; `closed` is the one that has just left the queue."""
        self._forget()
        text = self._templates.render("pick.html", closed=closed)
        with self._box:
            ui.html(text, sanitize=False).style("height: 100%")

    def _forget(self) -> None:
        if self._dialog:
            self._dialog.close()
            self._dialog.delete()
            self._dialog = None
        self._card = None
        self._parts = {}
        self._box.clear()

    def open(self, opened: Opened) -> None:
        """Show this incident."""
        self._forget()
        with self._box:
            self._part("facts")
            with ui.element("div").classes("actions"):
                self._actions(opened.card.incident_id, opened.choices)
            self._part("where")
            with ui.element("div").classes("columns"):
                with ui.element("div"):
                    self._part("paged")
                    self._part("evidence")
                with ui.element("div"):
                    self._part("timeline")
        self.show(opened.card)

    def show(self, card: IncidentCard) -> None:
        """Bring the parts that differ to this state of the incident."""
        if card == self._card:
            return
        self._card = card
        render, names = self._templates.render, names_of(card)
        shots = pictures(card, _PICTURES)
        self._set("facts", render("facts.html", card=card))
        self._set("where", render("where.html", card=card))
        self._set("paged", render("paged.html", card=card))
        evidence = render("evidence.html", card=card, pictures=shots) if shots else ""
        self._set("evidence", evidence)
        lines = [
            (line, log_line(line, names, self._t), note_of(line)) for line in card.timeline[::-1]
        ]
        self._set("timeline", render("timeline.html", lines=lines))
        if self._acknowledge:
            if card.acknowledged_at is None:
                self._acknowledge.props(remove="disabled").classes("primary")
            else:
                self._acknowledge.props("disabled").classes(remove="primary")

    def _part(self, name: str) -> None:
        self._parts[name] = (ui.html("", sanitize=False), "")

    def _set(self, name: str, text: str) -> None:
        element, shown = self._parts[name]
        if text != shown:
            element.set_content(text)
            self._parts[name] = (element, text)

    def _actions(self, incident_id: int, choices: tuple[Choice, ...]) -> None:
        t = self._t

        async def acknowledge() -> None:
            await self._doing.acknowledge(incident_id)

        async def dispatch() -> None:
            await self._doing.dispatch(incident_id, chosen.value or None)

        self._acknowledge = _button(t("act.acknowledge"), "primary", acknowledge)
        options = {_NEXT: t("act.dispatch.next")} | {
            one.responder_id: f"{one.name} · {distance(one.distance_m)}" for one in choices
        }
        _button(t("act.dispatch"), "", dispatch)
        chosen = ui.select(options, value=_NEXT).classes("who-to-send")
        chosen.props(f'outlined dark aria-label="{t("act.choose")}"')
        self._dialog = self._closing(incident_id)
        _button(t("act.close"), "end", self._dialog.open)

    def _closing(self, incident_id: int) -> ui.dialog:
        t = self._t

        async def close() -> None:
            if outcome.value is None:
                ui.notify(t("act.pick_outcome"), type="warning", position="top")
            elif await self._doing.close(incident_id, outcome.value, note.value or ""):
                dialog.close()

        with ui.dialog() as dialog, ui.card().classes("closing"):
            ui.html(f"<h2>{t('act.close.title')}</h2>{t('act.close.outcome')}", sanitize=True)
            outcome = ui.radio({one: t(f"act.outcome.{one}") for one in OUTCOMES})
            ui.html(t("act.note"), sanitize=True).classes("field-name")
            note = ui.textarea().props("outlined dark rows=3 maxlength=2000")
            note.props(f'aria-label="{t("act.note")}"')
            with ui.element("div").classes("buttons"):
                _button(t("act.back"), "", dialog.close)
                _button(t("act.close.confirm"), "primary", close)
        return dialog
