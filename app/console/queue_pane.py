"""The left side of the board: open incidents, the most urgent first, oldest first within."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui

from alerts.board import IncidentCard
from app.console.desk_state import Parked
from app.console.feed import Snapshot
from app.console.presenting import Templates, foremost
from app.console.queue_order import Fold, Row, load, rows


class QueuePane:
    """Keeps one element per row and touches only those that changed."""

    def __init__(self, templates: Templates, open_incident: Callable[[int], None]) -> None:
        self._templates = templates
        self._open_incident = open_incident
        self._drawn: dict[str, ui.html] = {}
        self._texts: dict[str, tuple[str, str]] = {}
        self._opened: set[str] = set()
        self._selected: int | None = None
        self._tail_text = ""
        self._snapshot: Snapshot | None = None
        t = templates.words
        with ui.element("section").classes("queue").props(f'aria-label="{t("board.queue")}"'):
            self._list = ui.element("div").props('id="queue"')
            self._quiet = ui.html(templates.render("quiet.html"), sanitize=False)
            self._tail = ui.html("", sanitize=False).classes("tail")

    def show(self, snapshot: Snapshot) -> None:
        """Bring the queue to this snapshot."""
        self._snapshot = snapshot
        wanted = rows(snapshot.cards, snapshot.desk.parked, self._opened)
        keys = [_key(row) for row in wanted]
        for gone in self._drawn.keys() - set(keys):
            self._drawn.pop(gone).delete()
            del self._texts[gone]
        for row, key in zip(wanted, keys, strict=True):
            self._draw(row, key, snapshot)
        children = self._list.default_slot.children
        for place, key in enumerate(keys):
            element = self._drawn[key]
            if children[place] is not element:
                element.move(target_index=place)
        self._quiet.set_visibility(not wanted)
        tail = self._templates.render("tail.html", snapshot=snapshot, load=load(snapshot.cards))
        if tail != self._tail_text:
            self._tail_text = tail
            self._tail.set_content(tail)

    def select(self, incident_id: int | None) -> None:
        """Mark the incident whose detail is shown."""
        for number in (self._selected, incident_id):
            element = self._drawn.get(str(number))
            if element is not None:
                current = "true" if number == incident_id else "false"
                element.props(f'aria-current="{current}"')
        self._selected = incident_id

    def _draw(self, row: Row, key: str, snapshot: Snapshot) -> None:
        if isinstance(row, Fold):
            text = self._templates.render("fold.html", fold=row, opened=key in self._opened)
            classes = "card fold p4"
        else:
            parked = snapshot.desk.parked.get(row.incident_id)
            text = self._templates.render(
                "card.html",
                card=row,
                page=foremost(row.pages),
                parked=parked,
                on_test=snapshot.desk.on_test.get(row.household_id),
            )
            classes = _classes(row, parked)
        if self._texts.get(key) == (text, classes):
            return
        self._texts[key] = (text, classes)
        element = self._drawn.get(key)
        if element is None:
            element = self._add(row, key, text)
        else:
            element.set_content(text)
        element.classes(replace=classes)

    def _add(self, row: Row, key: str, text: str) -> ui.html:
        with self._list:
            element = ui.html(text, sanitize=False, tag="button").props('type="button"')
        if isinstance(row, Fold):
            element.on("click", partial(self._toggle, key), args=[])
        else:
            number = row.incident_id
            element.props(f'data-incident="{number}"')
            element.on("click", partial(self._open_incident, number), args=[])
            if number == self._selected:
                element.props('aria-current="true"')
        self._drawn[key] = element
        return element

    def _toggle(self, key: str) -> None:
        self._opened ^= {key}
        if self._snapshot is not None:
            self.show(self._snapshot)


def _key(row: Row) -> str:
    return row.key if isinstance(row, Fold) else str(row.incident_id)


def _classes(card: IncidentCard, parked: Parked | None) -> str:
    classes = f"card p{card.priority}"
    if parked is not None:
        return f"{classes} parked"
    return f"{classes} unacknowledged" if card.acknowledged_at is None else classes
