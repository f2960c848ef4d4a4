"""The right side of the board: one incident, and what an operator can do about it."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from alerts.board import IncidentCard
from app.console.acting_bar import ActingBar
from app.console.check_list import CheckList
from app.console.desk_state import DeskState
from app.console.door_pane import door
from app.console.handling import Handling
from app.console.map_pane import draw_map
from app.console.presenting import (
    Templates,
    log_line,
    names_of,
    note_of,
    pictures,
    trail,
)
from app.console.scripts import script_of
from app.console.surroundings import Opened
from core.settings import Settings

_PICTURES = 6


class DetailPane:
    """Shows at most one incident; built when it is opened, redrawn part by part."""

    def __init__(
        self, templates: Templates, settings: Settings, handling: Handling, user: str
    ) -> None:
        self._templates = templates
        self._settings = settings
        self._handling = handling
        self._user = user
        self._card: IncidentCard | None = None
        self._parts: dict[str, tuple[ui.html, str]] = {}
        self._steps: CheckList | None = None
        self._bar: ActingBar | None = None
        self._box = ui.element("section").classes("detail").props('id="detail" tabindex="-1"')
        self._box.props(f'aria-label="{templates.words("detail.title")}"')
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
        if self._bar is not None:
            self._bar.close()
        self._bar = None
        self._card = None
        self._parts, self._steps = {}, None
        self._box.clear()

    def open(self, opened: Opened, desk: DeskState) -> None:
        """Show this incident."""
        self._forget()
        card, render = opened.card, self._templates.render
        with self._box:
            self._part("facts")
            self._bar = ActingBar(self._templates, self._handling, opened, self._user)
            self._part("where")
            with ui.element("div").classes("columns"):
                with ui.element("div"):
                    self._part("evidence")
                    self._script(card)
                    self._part("timeline")
                with ui.element("div"):
                    self._part("paged")
                    for camera in opened.cameras:
                        ui.html(door(self._templates, card.household_id, camera), sanitize=False)
                    draw_map(self._templates, self._settings, opened)
                    ui.html(render("contacts.html", contacts=opened.contacts), sanitize=False)
                    ui.html(render("door_day.html", events=opened.door_day), sanitize=False)
        self.show(card, desk)

    def show(self, card: IncidentCard, desk: DeskState) -> None:
        """Bring the parts that differ to this state of the incident."""
        if self._steps is not None:
            self._steps.show({one.step for one in desk.done.get(card.incident_id, ())})
        parked = desk.parked.get(card.incident_id)
        render, names = self._templates.render, names_of(card)
        self._set("facts", render("facts.html", card=card, parked=parked))
        if self._bar is not None:
            self._bar.show(card, parked=parked is not None)
        if card == self._card:
            return
        self._card = card
        shots = pictures(card, _PICTURES)
        self._set("where", render("where.html", card=card))
        self._set("paged", render("paged.html", card=card))
        evidence = (
            render("evidence.html", card=card, pictures=shots, trail=trail(card)) if shots else ""
        )
        self._set("evidence", evidence)
        words = self._templates.words
        lines = [
            (line, log_line(line, names, words), note_of(line, words))
            for line in card.timeline[::-1]
        ]
        self._set("timeline", render("timeline.html", lines=lines))

    def _part(self, name: str) -> None:
        self._parts[name] = (ui.html("", sanitize=False), "")

    def _set(self, name: str, text: str) -> None:
        element, shown = self._parts[name]
        if text != shown:
            element.set_content(text)
            self._parts[name] = (element, text)

    def _script(self, card: IncidentCard) -> None:
        t = self._templates.words
        ui.html(f"<h3>{t('detail.script')}</h3>", sanitize=True)
        labels = {step: t.of("step", step) for step in script_of(card.kind)}
        self._steps = CheckList(labels, partial(self._handling.tick, card.incident_id))
