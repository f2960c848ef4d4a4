"""One feed per process: what the board shows, read within moments of every change.

A thread waits for NOTIFY and reads once a second anyhow; each reading goes to every open screen.
A screen can tell how old its picture is: `Snapshot.as_of` only moves when the database answered.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alerts import board, synthetic
from alerts.board import IncidentCard
from alerts.screens import note_shown
from app.accounts.principal import Principal
from app.console import desk_state
from app.console.desk_state import DeskState
from core.clock import Clock
from core.database import Connection, Database, translated
from core.errors import DatabaseAway
from core.precedence import step_ahead
from core.telemetry import SYNTHETIC_AGE_S, SYNTHETIC_OK, SYNTHETIC_TOOK_S, logger

POLL_S = 1.0
_RECENT = 8
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class TestCall:
    """The last synthetic SOS."""

    at: datetime
    ok: bool
    took_ms: int | None = None  # from the press to the page and the board, whichever was later


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the board shows: open incidents in the order of urgency, and what closed lately."""

    as_of: datetime
    cards: tuple[IncidentCard, ...]
    recent: tuple[IncidentCard, ...]
    test_call: TestCall | None
    desk: DeskState = field(default_factory=DeskState)

    def of(self, who: Principal) -> Snapshot:
        """Return what somebody bound to a district sees of it."""
        if not who.district:
            return self
        return replace(
            self,
            cards=tuple(card for card in self.cards if who.answers_for(card.district)),
            recent=tuple(card for card in self.recent if who.answers_for(card.district)),
        )

    def card(self, incident_id: int) -> IncidentCard | None:
        """Return an open incident."""
        return next((card for card in self.cards if card.incident_id == incident_id), None)


def read(conn: Connection, now: datetime) -> Snapshot:
    """Read everything in one transaction, so that the parts agree."""
    with conn.transaction():
        last = synthetic.last_check(conn)
        return Snapshot(
            as_of=now,
            cards=tuple(board.queue(conn, now)),
            recent=tuple(board.recent(conn, _RECENT)),
            test_call=_test_call(last) if last else None,
            desk=desk_state.read(conn, now),
        )


def _test_call(last: dict[str, Any]) -> TestCall:
    steps = [last[name] for name in ("paged_ms", "board_ms") if last[name] is not None]
    return TestCall(last["started_at"], last["ok"], max(steps, default=None))


def measure(snapshot: Snapshot) -> None:
    """Tell the metrics of the last synthetic SOS; a subscriber like a screen."""
    call = snapshot.test_call
    if call is None:
        return
    SYNTHETIC_AGE_S.set((snapshot.as_of - call.at).total_seconds())
    SYNTHETIC_OK.set(call.ok)
    if call.took_ms is not None:
        SYNTHETIC_TOOK_S.set(call.took_ms / 1000)


Receiver = Callable[[Snapshot], None]


class BoardFeed:
    """Hands each reading to its subscribers, in the event loop that `start` was given."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._receivers: set[Receiver] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board-feed", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.latest: Snapshot | None = None
        self._noted: frozenset[int] = frozenset()
        self._shown: queue.SimpleQueue[tuple[datetime, frozenset[int]]] = queue.SimpleQueue()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a reading under way may take another second."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=POLL_S * 3)

    def subscribe(self, receiver: Receiver) -> None:
        """Call `receiver` in the event loop with each reading, the latest one at once."""
        self._receivers.add(receiver)
        if self.latest:
            receiver(self.latest)

    def unsubscribe(self, receiver: Receiver) -> None:
        self._receivers.discard(receiver)

    def shown(self, snapshot: Snapshot) -> None:
        """Note that a window shows these incidents; called in the event loop."""
        new = frozenset(card.incident_id for card in snapshot.cards) - self._noted
        if new:
            self._noted |= new
            self._shown.put((self._clock.now(), new))

    def _run(self) -> None:
        step_ahead(alone=True)
        while not self._stop.is_set():
            try:
                self._follow()
            except DatabaseAway as error:
                _log.warning("the board has lost the database", error=str(error))
                self._stop.wait(POLL_S)

    def _follow(self) -> None:
        with self._database.listener(ahead=True) as conn, translated():
            conn.execute("LISTEN incidents")
            while not self._stop.is_set():
                self._publish(read(conn, self._clock.now()))
                self._note_shown()
                for _ in conn.notifies(timeout=POLL_S, stop_after=1):
                    pass

    def _note_shown(self) -> None:
        """Write what was shown since the last time: behind the reading, and never in its way."""
        while not self._shown.empty():
            at, incident_ids = self._shown.get()
            with self._database.transaction() as conn:
                note_shown(conn, incident_ids, at=at)

    def _publish(self, snapshot: Snapshot) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hand_out, snapshot)

    def _hand_out(self, snapshot: Snapshot) -> None:
        self.latest = snapshot
        self._noted &= {card.incident_id for card in snapshot.cards}
        for receiver in list(self._receivers):
            try:
                receiver(snapshot)
            except Exception:  # noqa: BLE001 - one broken screen must not blind the others
                _log.exception("a screen could not be brought up to date; it says so itself")
