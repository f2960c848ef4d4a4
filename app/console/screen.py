"""The operator's board in one browser window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from nicegui import Client, background_tasks, ui

from alerts.board import IncidentCard
from app.accounts.principal import Principal
from app.api.desk import Desk
from app.console import actions
from app.console.detail_pane import DetailPane
from app.console.feed import BoardFeed, Snapshot
from app.console.judging import Finding
from app.console.presenting import Templates, epoch_ms
from app.console.queue_pane import QueuePane
from core.errors import NotFound, PermanentError, Refused, TemporaryError
from core.telemetry import logger

BEAT_S = 1.0
_CHECK_SESSION_EVERY = 10  # beats
_log = logger(__name__)
ResultT = TypeVar("ResultT")


class Screen:
    """Follows the feed, beats each second, carries out what the operator does."""

    def __init__(
        self,
        desk: Desk,
        feed: BoardFeed,
        templates: Templates,
        who: Principal,
        session: Mapping[str, Any],
    ) -> None:
        self._desk = desk
        self._feed = feed
        self._t = templates.words
        self._templates = templates
        self._who = who
        self._session = session
        self._client: Client = ui.context.client
        self._beats = 0
        self._as_of_ms: int | None = None
        self._ringing: list[int] | None = None
        self._strip_text = ""
        self._root = ui.element("div").classes("board")
        with self._root:
            self._strip = ui.html("", sanitize=False, tag="header").classes("strip")
            self._queue = QueuePane(templates, self.open_incident)
            self._detail = DetailPane(templates, self)
        self._client.on_delete(self.leave)
        feed.subscribe(self.receive)
        ui.timer(BEAT_S, self._beat)

    def leave(self) -> None:
        """Stop following; the window is gone."""
        self._feed.unsubscribe(self.receive)

    def receive(self, snapshot: Snapshot) -> None:
        """Bring the window to this snapshot."""
        snapshot = snapshot.of(self._who)
        with self._root:
            unacknowledged = [card for card in snapshot.cards if card.acknowledged_at is None]
            self._set_strip(len(snapshot.cards), len(unacknowledged))
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
                else:
                    self._detail.show(card)
            ringing = [card.incident_id for card in unacknowledged if card.priority == 1]
            if ringing != self._ringing:
                self._ringing = ringing
                self._run(f"dg.ring({ringing})")
        self._as_of_ms = epoch_ms(snapshot.as_of)  # only when all of it is on the screen
        self._feed.shown(snapshot)

    def _set_strip(self, opened: int, unacknowledged: int) -> None:
        text = self._templates.render(
            "strip.html", open=opened, unacknowledged=unacknowledged, user=self._who.user_id
        )
        if text != self._strip_text:
            self._strip_text = text
            self._strip.set_content(f"<div>{text}</div>")

    def _run(self, code: str) -> None:
        self._client.run_javascript(code)

    def _beat(self) -> None:
        if self._as_of_ms is not None:
            self._run(f"dg.beat({epoch_ms(self._desk.clock.now())},{self._as_of_ms})")
        self._beats += 1
        if self._beats % _CHECK_SESSION_EVERY == 0:
            background_tasks.create(self._check_session(), name="board-session")

    async def _check_session(self) -> None:
        try:
            await asyncio.to_thread(actions.check, self._desk, self._session)
        except Refused:
            self._turn_out()
        except TemporaryError:
            pass  # the page says itself that the database is away

    def _turn_out(self) -> None:
        self.leave()
        self._run("location.href='/login?ended=1'")

    # what the operator does

    def open_incident(self, incident_id: int) -> None:
        """Open the detail of an incident."""
        background_tasks.create(self._open(incident_id), name="board-open")

    async def _open(self, incident_id: int) -> None:
        opened = await self._act(actions.open_detail, incident_id)
        if opened is None or self._client.is_deleted:
            return
        with self._root:
            self._detail.open(opened)
            self._queue.select(incident_id)
            self._run(f"dg.selected({incident_id})")

    def _select_none(self, closed: int | None = None) -> None:
        self._detail.clear(closed)
        self._queue.select(None)
        self._run("dg.selected(null)")

    async def acknowledge(self, incident_id: int) -> None:
        """Take the incident in hand."""
        await self._act(actions.acknowledge, incident_id)

    def holds(self, card: IncidentCard) -> bool:
        """Say whether the incident is in the hands of who sits here."""
        return card.acknowledged_by == self._who.user_id

    async def take_over(self, incident_id: int) -> None:
        """Take the incident out of another's hands."""
        await self._act(actions.take_over, incident_id)

    async def verify(self, incident_id: int) -> None:
        """Note that the operator looks or telephones."""
        await self._act(actions.verify, incident_id)

    async def set_level(self, incident_id: int, level: int, why: str) -> bool:
        """Raise or lower the validation level; say whether it is done."""
        return await self._act(_done(actions.set_level), incident_id, level, why) is True

    async def dispatch(self, incident_id: int, responder_id: str | None) -> None:
        """Send a responder, the suggested next when None."""
        found = await self._act(actions.dispatch, incident_id, responder_id)
        if found is False:
            self._notify(self._t("board.nobody.long"))

    async def close(self, incident_id: int, finding: Finding) -> bool:
        """End the incident; say whether it is done."""
        done = await self._act(_done(actions.close), incident_id, finding)
        return done is True

    async def _act(self, action: Callable[..., ResultT], *given: Any) -> ResultT | None:
        """Carry out an action in a thread; show why it could not be done, and return None."""
        try:
            return await asyncio.to_thread(action, self._desk, self._session, *given)
        except Refused:
            self._turn_out()
        except NotFound as error:
            self._notify(str(error))
            if given[:1] == (self._detail.incident_id,):
                self._select_none()
        except PermanentError as error:
            self._notify(str(error))
        except TemporaryError as error:
            _log.warning("an operator's action was not carried out", error=str(error))
            self._notify(self._t("act.away"))
        except Exception:
            self._notify(self._t("act.failed"))  # never a button that seems to do nothing
            raise
        return None

    def _notify(self, text: str) -> None:
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


def _done(action: Callable[..., None]) -> Callable[..., bool]:
    def carried_out(*given: Any) -> bool:
        action(*given)
        return True

    return carried_out
