"""The ingest process: the event lane, and the reports of processes without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.processes.periodic import Periodic
from app.processes.running import Part, session_for, until_signalled
from core.clock import SystemClock
from core.database import Connection, Database
from core.liveness import Beat
from core.model import Event
from core.reports import REPORT_FILTER
from core.settings import Settings
from core.topics import EVENT_LANE, wildcard
from ingest import store
from ingest.handoff import hand_off
from ingest.lane import TOGETHER, Lane

_PARTITIONS_EVERY_S = 6 * 3600.0


def _on_stored(conn: Connection, events: Sequence[Event], _now: datetime) -> None:
    hand_off(conn, filter(store.may_alarm, events))


def run(settings: Settings) -> None:
    """Serve until a signal."""
    stop = until_signalled()
    clock = SystemClock()
    database = Database(settings.database, application="doorguard-ingest")
    database.open()
    session = session_for(
        "ingest",
        settings,
        durable=True,
        subscriptions=[(wildcard(kind), 1) for kind in EVENT_LANE] + [(REPORT_FILTER, 1)],
    )
    lane = Lane(
        "event",
        database=database,
        bus=session,
        clock=clock,
        batching=TOGETHER,
        telemetry=True,
        on_stored=_on_stored,
    )
    session.deliver_to(lane.offer)
    partitions = Periodic(
        "partitions",
        database,
        lambda conn: store.make_partitions(conn, clock.now()),
        every_s=_PARTITIONS_EVERY_S,
    )
    beat = Beat(
        database, clock, "ingest", lambda: {**lane.figures(), "connected": session.connected}
    )
    parts: list[Part] = [lane, partitions, session, beat]
    for part in parts:
        part.start()
    stop.wait()
    for part in reversed(parts):
        part.stop()
    database.close()
