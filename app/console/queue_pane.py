"""The left side of the board: open incidents, the most urgent first, oldest first within."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui

from alerts.board import IncidentCard
from app.console.feed import Snapshot
from app.console.presenting import Templates, foremost


class QueuePane:
    """Keeps one element per incident and touches only those that changed."""

    def __init__(self, templates: Templates, open_incident: Callable[[int], None]) -> None:
        self._templates = templates
        self._open_incident = open_incident
        self._shown: dict[int, IncidentCard] = {}
        self._cards: dict[int, ui.html] = {}
        self._selected: int | None = None
        self._tail_text = ""
        with ui.element("section").classes("queue").props('aria-label="queue"'):
            self._list = ui.element("div").props('id="queue" aria-live="polite"')
            self._quiet = ui.html(templates.render("quiet.html"), sanitize=False)
            self._tail = ui.html("", sanitize=False).classes("tail")

    def show(self, snapshot: Snapshot) -> None:
        """Bring the queue to this snapshot."""
        wanted = [card.incident_id for card in snapshot.cards]
        for gone in [number for number in self._cards if number not in wanted]:
            self._cards.pop(gone).delete()
            del self._shown[gone]
        for card in snapshot.cards:
            if self._shown.get(card.incident_id) != card:
                self._draw(card)
        for place, number in enumerate(wanted):
            element = self._cards[number]
            if self._list.default_slot.children.index(element) != place:
                element.move(target_index=place)
        self._quiet.set_visibility(not wanted)
        tail = self._templates.render("tail.html", snapshot=snapshot)
        if tail != self._tail_text:
            self._tail_text = tail
            self._tail.set_content(tail)

    def select(self, incident_id: int | None) -> None:
        """Mark the incident whose detail is shown."""
        for number in (self._selected, incident_id):
            if number in self._cards:
                current = "true" if number == incident_id else "false"
                self._cards[number].props(f'aria-current="{current}"')
        self._selected = incident_id

    def _draw(self, card: IncidentCard) -> None:
        text = self._templates.render("card.html", card=card, page=foremost(card.pages))
        number = card.incident_id
        element = self._cards.get(number)
        if element is None:
            with self._list:
                element = ui.html(text, sanitize=False, tag="button")
            element.props(f'type="button" data-incident="{number}"')
            element.on("click", partial(self._open_incident, number), args=[])
            self._cards[number] = element
        else:
            element.set_content(text)
        classes = f"card p{card.priority}"
        if card.acknowledged_at is None:
            classes += " unacknowledged"
        element.classes(replace=classes)
        if number == self._selected:
            element.props('aria-current="true"')
        self._shown[number] = card
