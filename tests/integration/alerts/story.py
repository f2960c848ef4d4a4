"""A timeline of one incident: seed, press, expect, fast-forward.

Time is the manual clock's; `wait` lets it pass to each second in which something is due, firing
timers and sending as the alarms process would. Everything else is real: database, transactions,
links. The stories told with it are in `stories/`, one screen each.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from alerts import board, incidents, pages, responders, rosters
from alerts.lifecycle import Move, replay
from alerts.paging.dispatcher import Dispatcher, EscalationClock
from alerts.paging.loopback import LoopbackChannel
from alerts.shifts import ChangeKind
from core.catalogue import CATALOGUE
from core.database import Database
from core.model import Event, Page
from core.settings import Settings

if TYPE_CHECKING:
    from tests.conftest import ManualClock

SEOUL = (37.5665, 126.9780)
DEGREES_PER_KM = 1 / 111.195  # of latitude

_LONG_S = 3600
_NEXT_DUE = """
SELECT least(
    (SELECT min(due_at) FROM timers WHERE done_at IS NULL),
    (SELECT min(next_attempt_at) FROM deliveries WHERE state = 'queued')
) AS due_at
"""
_COUNTS = {
    name: f"SELECT count(*) AS n FROM {name}"  # noqa: S608 - names of our own tables
    for name in ("incidents", "incident_events", "incident_log", "pages", "deliveries", "timers")
}

SETTINGS = Settings(
    database="unused",
    broker="mqtt://unused",
    service_key="k" * 32,
    objects="unused",
    public_url="https://door.example",
    state_folder="unused",
)


class Pagers:
    """The webhook channel as a list; `fail` makes the next sends to a responder raise."""

    name = "webhook"

    def __init__(self, now: Callable[[], Any]) -> None:
        self._now = now
        self._began = now()
        self._faults: dict[str, list[Exception]] = {}
        self.got: list[tuple[float, str, str]] = []
        self.pages: list[Page] = []
        self.on_send: Callable[[Page], None] = lambda _page: None

    def fail(self, responder_id: str, *faults: Exception) -> None:
        self._faults[responder_id] = list(faults)

    def send(self, page: Page, address: str, secret: str) -> None:
        if self._faults.get(page.responder_id):
            raise self._faults[page.responder_id].pop(0)
        self.pages.append(page)
        passed_s = (self._now() - self._began).total_seconds()
        self.got.append((passed_s, page.responder_id, page.message))
        self.on_send(page)


class Story:
    """One home `home-1`; responders stand north of it, so many kilometres away."""

    def __init__(
        self, database: Database, clock: ManualClock, settings: Settings = SETTINGS
    ) -> None:
        self.database = database
        self.clock = clock
        self.settings = settings
        self.pagers = Pagers(clock.now)
        self.dispatcher = Dispatcher(database, clock, settings, [self.pagers, LoopbackChannel()])
        self.escalation = EscalationClock(database, clock, settings)
        self.incident = 0
        self._seq = 0
        self._expected = 0
        self.home("home-1")

    def home(self, household_id: str) -> None:
        with self.database.transaction() as conn:
            conn.execute(
                "INSERT INTO households (household_id, name, address, access_note, lat, lon)"
                " VALUES (%s, %s, 'Jongno 1', 'key under the pot', %s, %s)",
                (household_id, f"Home {household_id}", *SEOUL),
            )

    def district(self, household_id: str, district: str) -> None:
        """Put a home into a district."""
        with self.database.transaction() as conn:
            conn.execute(
                "UPDATE households SET district = %s WHERE household_id = %s",
                (district, household_id),
            )

    def responder(self, responder_id: str, km: float = 1.0, **more: Any) -> None:
        given = {"name": responder_id.title(), "kind": "crew", "webhook_url": "http://x/"} | more
        with self.database.transaction() as conn:
            responders.add(
                conn,
                responder_id,
                lat=SEOUL[0] + km * DEGREES_PER_KM,
                lon=SEOUL[1],
                now=self.clock.now(),
                **given,
            )

    def absent(self, responder_id: str, kind: ChangeKind = ChangeKind.LEAVE) -> None:
        """Note that somebody is away from now on."""
        now = self.clock.now()
        with self.database.transaction() as conn:
            rosters.note_absence(
                conn, responder_id, kind, start=now, end=None, noted_by="boss", now=now
            )

    def event(self, event_type: str, device_id: str = "button-1", **more: Any) -> Event:
        """Make the next event of a device, now."""
        self._seq += 1
        given: dict[str, Any] = {
            "household_id": "home-1",
            "at": self.clock.now(),
            "device_id": device_id,
            "seq": self._seq,
            "source": CATALOGUE[event_type].source,
            "type": event_type,
            "received_at": self.clock.now(),
        }
        return Event(**given | more)

    def happens(self, event: Event | str) -> int | None:
        """Let an event be taken, and what is planned by it go out."""
        made = self.event(event) if isinstance(event, str) else event
        with self.database.transaction() as conn:
            incident = incidents.on_event(conn, made, now=self.clock.now(), settings=self.settings)
        self.incident = incident or self.incident
        self.dispatcher.deliver_due()
        return incident

    def loiterer(self) -> int | None:
        """Let somebody be found at the door and again: P2 by the rules that ship."""
        self.happens("loiter.started")
        return self.happens("loiter.updated")

    def press(self) -> int | None:
        """Press the SOS button of home-1."""
        return self.happens("sos.pressed")

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass, with the alarms process at work."""
        left_s = round(seconds)
        while left_s > 0:
            step_s = min(left_s, max(1, self._next_due_s()))
            self.clock.advance(step_s)
            left_s -= step_s
            self.escalation.tick()
            self.dispatcher.deliver_due()

    def fast_forward(self, **span: float) -> None:
        """Let time pass as `wait` does: `fast_forward(minutes=5)`."""
        self.wait(timedelta(**span).total_seconds())

    def expect(self, *who: str) -> None:
        """Assert that since the last time exactly these were paged, in this order."""
        paged = [name for _at_s, name in self.paged()]
        assert paged[self._expected :] == list(who)
        self._expected = len(paged)

    def _next_due_s(self) -> int:
        (row,) = self.table(_NEXT_DUE)
        if row["due_at"] is None:
            return _LONG_S
        return ceil((row["due_at"] - self.clock.now()).total_seconds())

    def page_of(self, responder_id: str) -> int:
        """Return the newest page of a responder."""
        return max(p.page_id for p in self.card().pages if p.responder_id == responder_id)

    def answer(self, responder_id: str, *, accept: bool) -> pages.AnswerView:
        page_id = self.page_of(responder_id)
        with self.database.transaction() as conn:
            view = pages.answer(
                conn, page_id, accept=accept, now=self.clock.now(), settings=self.settings
            )
        self.dispatcher.deliver_due()
        return view

    def accept(self, responder_id: str) -> pages.AnswerView:
        return self.answer(responder_id, accept=True)

    def decline(self, responder_id: str) -> pages.AnswerView:
        return self.answer(responder_id, accept=False)

    def arrive(self, responder_id: str) -> pages.AnswerView:
        with self.database.transaction() as conn:
            return pages.arrive(conn, self.page_of(responder_id), now=self.clock.now())

    def acknowledge(self, actor: str = "operator-1") -> None:
        with self.database.transaction() as conn:
            incidents.acknowledge(conn, self.incident, actor=actor, now=self.clock.now())

    def dispatch(self, responder_id: str | None = None) -> int | None:
        with self.database.transaction() as conn:
            page_id = incidents.dispatch(
                conn,
                self.incident,
                actor="operator-1",
                now=self.clock.now(),
                settings=self.settings,
                responder_id=responder_id,
            )
        self.dispatcher.deliver_due()
        return page_id

    def close(self, outcome: incidents.Outcome = "closed", actor: str = "operator-1") -> None:
        with self.database.transaction() as conn:
            incidents.close(
                conn,
                self.incident,
                actor=actor,
                now=self.clock.now(),
                outcome=outcome,
                note="all well",
                cause="unknown" if outcome == "false_alarm" else None,
            )
        self.dispatcher.deliver_due()

    def card(self) -> board.IncidentCard:
        with self.database.transaction() as conn:
            return board.card(conn, self.incident)

    def states(self) -> dict[str, str]:
        """Return the state of each responder's newest page."""
        return {p.responder_id: str(p.state) for p in self.card().pages}

    def moves(self) -> list[str]:
        return [line.move for line in self.card().timeline]

    def paged(self) -> list[tuple[float, str]]:
        """Return (seconds since the story began, responder) of every page sent."""
        return [(at_s, who) for at_s, who, message in self.pagers.got if message == "page"]

    def stood_down(self) -> list[str]:
        return sorted(who for _at_s, who, message in self.pagers.got if message == "stand_down")

    def log_replays(self) -> bool:
        card = self.card()
        return replay(Move(line.move) for line in card.timeline) is card.state

    def table(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with self.database.transaction() as conn:
            return conn.execute(query, values).fetchall()  # type: ignore[arg-type]

    def rows(self) -> dict[str, int]:
        """Return how many rows each table of this package has."""
        return {name: self.table(query)[0]["n"] for name, query in _COUNTS.items()}

    def skip(self, **span: float) -> None:
        """Let time pass with nobody looking, as when every process is down."""
        self.clock.advance(timedelta(**span).total_seconds())
