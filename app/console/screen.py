"""The operator's board in one browser window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nicegui import Client, background_tasks, ui

from alerts.board import IncidentCard
from app.accounts.principal import Principal
from app.api.desk import Desk
from app.console.detail_pane import DetailPane
from app.console.dialogs import shift_notes
from app.console.ending import EndingStrip
from app.console.feed import BoardFeed, Snapshot
from app.console.handling import Handling
from app.console.judging import button
from app.console.plain_page import links
from app.console.presenting import Templates, epoch_ms
from app.console.queue_pane import QueuePane
from app.console.renewing import Renewal

BEAT_S = 1.0
_CHECK_SESSION_EVERY = 4  # beats; another window may have signed in again, or out
_FOLLOW_EVERY = 4  # beats; with the reading itself, what stands around is at most 5 s old


class Screen:
    """Follows the feed, beats each second, carries out what the operator does."""

    def __init__(
        self,
        desk: Desk,
        feed: BoardFeed,
        templates: Templates,
        who: Principal,
        session: Mapping[str, Any],
        renewal: Renewal,
    ) -> None:
        self._desk = desk
        self._feed = feed
        self._t = templates.words
        self._templates = templates
        self._who = who
        self._client: Client = ui.context.client
        self._beats = 0
        self._as_of_ms: int | None = None
        self._ringing: list[list[int]] | None = None
        self._strip_text = ""
        self._snapshot: Snapshot | None = None
        self._following = False
        self._handling = Handling(desk, session, templates.words, self)
        self._root = ui.element("main").classes("board")
        with self._root:
            with ui.element("header").classes("strip"):
                self._strip = ui.html("", sanitize=False).classes("strip-line")
                clock = ui.html(templates.render("clock.html", who=who), sanitize=False)
                clock.classes("strip-clock")
                notes = shift_notes(self._t, self._handling.write_shift_note)
                button(self._t("shift.open"), "small", notes.open, "b")
                menu = self._templates.render("menu.html", who=who, links=links(who))
                ui.html(menu, sanitize=False)
            self._ending = EndingStrip(templates, renewal, self._check_session)
            self._ending.show(who.until, desk.clock.now())
            self._queue = QueuePane(templates, self.open_incident)
            self._detail = DetailPane(templates, desk.settings, self._handling, who.user_id)
        self._client.on_delete(self.leave)
        feed.subscribe(self.receive)
        ui.timer(BEAT_S, self._beat)

    def leave(self) -> None:
        """Stop following; the window is gone."""
        self._feed.unsubscribe(self.receive)

    def receive(self, snapshot: Snapshot) -> None:
        """Bring the window to this snapshot."""
        snapshot = self._snapshot = snapshot.of(self._who)
        with self._root:
            self._set_strip(snapshot)
            self._queue.show(snapshot)
            if snapshot.cards:
                self._root.classes(remove="idle")
            else:
                self._root.classes("idle")
            shown = self._detail.incident_id
            if shown is not None:
                card = snapshot.card(shown)
                if card is None:
                    self._select_none(closed=shown)
                elif self._detail.show(card, snapshot.desk):
                    self._follow()
            ringing = [
                [card.incident_id, card.priority]
                for card in snapshot.cards
                if card.acknowledged_at is None and card.incident_id not in snapshot.desk.parked
            ]
            if ringing != self._ringing:
                self._ringing = ringing
                self._run(f"dg.ring({ringing})")
        self._as_of_ms = epoch_ms(snapshot.as_of)  # only when all of it is on the screen
        self._feed.shown(snapshot)

    def _set_strip(self, snapshot: Snapshot) -> None:
        text = self._templates.render(
            "strip.html",
            open=len(snapshot.cards),
            waiting=_waiting(snapshot.cards),
        )
        if text != self._strip_text:
            self._strip_text = text
            self._strip.set_content(text)

    def _run(self, code: str) -> None:
        self._client.run_javascript(code)

    def _beat(self) -> None:
        if self._as_of_ms is not None:
            self._run(f"dg.beat({epoch_ms(self._desk.clock.now())},{self._as_of_ms})")
        self._beats += 1
        if self._beats % _CHECK_SESSION_EVERY == 0:
            background_tasks.create(self._check_session(), name="board-session")
        if self._beats % _FOLLOW_EVERY == 0:
            self._follow()

    def _follow(self) -> None:
        shown = self._detail.incident_id
        if shown is not None and not self._following:
            self._following = True
            background_tasks.create(self._bring_around(shown), name="board-follow")

    async def _bring_around(self, incident_id: int) -> None:
        try:
            opened = await self._handling.follow(incident_id)
        finally:
            self._following = False
        if opened is None or self._client.is_deleted or incident_id != self._detail.incident_id:
            return
        with self._root:
            self._detail.follow(opened)

    async def _check_session(self) -> None:
        who = await self._handling.check()
        if who is not None and not self._client.is_deleted:
            with self._root:
                self._ending.show(who.until, self._desk.clock.now())

    def turn_out(self) -> None:
        """The session has ended: nothing of a home stays on the screen, which says so loudly."""
        self.leave()
        self._root.clear()
        self._run("location.href='/login?ended=board'")

    def open_incident(self, incident_id: int) -> None:
        """Open the detail of an incident."""
        background_tasks.create(self._open(incident_id), name="board-open")

    async def _open(self, incident_id: int) -> None:
        opened = await self._handling.open(incident_id)
        if opened is None or self._client.is_deleted or self._snapshot is None:
            return
        with self._root:
            self._detail.open(opened, self._snapshot.desk)
            self._queue.select(incident_id)
            self._run(f"dg.selected({incident_id})")

    def _select_none(self, closed: int | None = None) -> None:
        self._detail.clear(closed)
        self._queue.select(None)
        self._run("dg.selected(null)")

    def gone(self, incident_id: int) -> None:
        """There is no such incident any more."""
        if incident_id == self._detail.incident_id:
            with self._root:
                self._select_none()

    def tell(self, text: str) -> None:
        """Show why something was not done."""
        with self._root:
            ui.notify(
                text,
                type="warning",
                position="top",
                timeout=10_000,
                multi_line=True,
                close_button="OK",
                classes="toast",
            )


def _waiting(cards: tuple[IncidentCard, ...]) -> list[tuple[int, int]]:
    """Return how many of each priority nobody has acknowledged, the urgent first."""
    counts: dict[int, int] = {}
    for card in cards:
        if card.acknowledged_at is None:
            counts[card.priority] = counts.get(card.priority, 0) + 1
    return sorted(counts.items())
