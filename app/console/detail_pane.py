"""The right side of the board: one incident, and what an operator can do about it."""

from __future__ import annotations

from typing import Protocol

from nicegui import ui

from alerts.board import IncidentCard
from app.console.actions import Choice, Opened
from app.console.judging import Finding, button, closing, levelling
from app.console.presenting import (
    Templates,
    distance,
    log_line,
    names_of,
    note_of,
    pictures,
)

_PICTURES = 3
_NEXT = ""


class Doing(Protocol):
    """What the buttons do; the screen carries it out and shows what came of it."""

    def holds(self, card: IncidentCard) -> bool: ...
    async def acknowledge(self, incident_id: int) -> None: ...
    async def take_over(self, incident_id: int) -> None: ...
    async def verify(self, incident_id: int) -> None: ...
    async def set_level(self, incident_id: int, level: int, why: str) -> bool: ...
    async def dispatch(self, incident_id: int, responder_id: str | None) -> None: ...
    async def close(self, incident_id: int, finding: Finding) -> bool: ...


class DetailPane:
    """Shows at most one incident; built when it is opened, redrawn part by part."""

    def __init__(self, templates: Templates, doing: Doing) -> None:
        self._t = templates.words
        self._templates = templates
        self._doing = doing
        self._card: IncidentCard | None = None
        self._parts: dict[str, tuple[ui.html, str]] = {}
        self._hands: dict[str, ui.element] = {}
        self._dialogs: list[ui.dialog] = []
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
        for dialog in self._dialogs:
            dialog.close()
            dialog.delete()
        self._dialogs = []
        self._hands = {}
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
        if self._hands:
            self._show_hands(card)

    def _show_hands(self, card: IncidentCard) -> None:
        """Offer what fits whose hands it is in: nobody's, another's, mine."""
        taken, mine = card.acknowledged_at is not None, self._doing.holds(card)
        if taken:
            self._hands["acknowledge"].props("disabled").classes(remove="primary")
        else:
            self._hands["acknowledge"].props(remove="disabled").classes("primary")
        self._hands["take_over"].set_visibility(taken and not mine)
        self._hands["verify"].set_visibility(mine)

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

        async def take_over() -> None:
            await self._doing.take_over(incident_id)

        async def verify() -> None:
            await self._doing.verify(incident_id)

        async def set_level(level: int, why: str) -> bool:
            return await self._doing.set_level(incident_id, level, why)

        async def close(finding: Finding) -> bool:
            return await self._doing.close(incident_id, finding)

        self._hands = {
            "acknowledge": button(t("act.acknowledge"), "primary", acknowledge),
            "take_over": button(t("act.take_over"), "primary", take_over),
            "verify": button(t("act.verify"), "", verify),
        }
        options = {_NEXT: t("act.dispatch.next")} | {
            one.responder_id: f"{one.name} · {distance(one.distance_m)}" for one in choices
        }
        button(t("act.dispatch"), "", dispatch)
        chosen = ui.select(options, value=_NEXT).classes("who-to-send")
        chosen.props(f'outlined dark aria-label="{t("act.choose")}"')
        self._dialogs = [levelling(t, set_level), closing(t, close)]
        button(t("act.level"), "end", self._dialogs[0].open)
        button(t("act.close"), "", self._dialogs[1].open)
