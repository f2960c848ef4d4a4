"""The right side of the board: one incident, and what an operator can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from nicegui import ui

from alerts.board import IncidentCard
from app.console.acting_bar import ActingBar
from app.console.check_list import CheckList
from app.console.desk_state import DeskState
from app.console.door_pane import door
from app.console.handling import Handling
from app.console.map_pane import IncidentMap
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
        self._map: IncidentMap | None = None
        self._expected: Mapping[int, datetime] = {}
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
        self._parts, self._steps, self._map, self._expected = {}, None, None, {}
        self._box.clear()

    def open(self, opened: Opened, desk: DeskState) -> None:
        """Show this incident."""
        self._forget()
        card = opened.card
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
                    if opened.home is not None:
                        self._map = IncidentMap(
                            self._templates, self._settings, opened, opened.home
                        )
                    self._part("contacts")
                    self._part("door_day")
        self.show(card, desk)
        self.follow(opened)

    def follow(self, opened: Opened) -> None:
        """Bring what stands around the incident to how it is now."""
        render = self._templates.render
        self._expected = opened.expected
        self._show_paged()
        self._set("contacts", render("contacts.html", contacts=opened.contacts))
        self._set("door_day", render("door_day.html", events=opened.door_day))
        if self._map is not None:
            self._map.show(opened)

    def show(self, card: IncidentCard, desk: DeskState) -> bool:
        """Bring the parts that differ to this state of the incident; say whether it is new."""
        if self._steps is not None:
            self._steps.show({one.step for one in desk.done.get(card.incident_id, ())})
        parked = desk.parked.get(card.incident_id)
        render, names = self._templates.render, names_of(card)
        on_test = desk.on_test.get(card.household_id)
        self._set("facts", render("facts.html", card=card, parked=parked, on_test=on_test))
        if self._bar is not None:
            self._bar.show(card, parked=parked is not None, on_test=on_test)
        if card == self._card:
            return False
        self._card = card
        shots = pictures(card, _PICTURES)
        self._set("where", render("where.html", card=card))
        self._show_paged()
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
        return True

    def _show_paged(self) -> None:
        given = {"card": self._card, "expected": self._expected}
        self._set("paged", self._templates.render("paged.html", **given))

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
