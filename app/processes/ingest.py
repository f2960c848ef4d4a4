"""The ingest process: the event lane, and the reports of processes without a database.

One of them reads everything; several divide the lane among themselves (`app.processes.sharing`).
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from datetime import datetime

from app.processes.lane_sessions import LaneSessions
from app.processes.running import Part, until_signalled
from app.processes.share_bus import ShareBus
from app.processes.sharing import Worker
from app.processes.silence import Silence
from app.processes.storage import StorageUpkeep
from core.clock import SystemClock
from core.database import Connection, Database
from core.liveness import Beat
from core.model import Event
from core.precedence import step_behind
from core.settings import Settings
from ingest.handoff import hand_off
from ingest.lane import TOGETHER, Lane
from ingest.sharing.locks import Locks

WRITERS = 2  # one packs while the other waits for the database (docs/adr/0013)
_FIRST_BEAT_AFTER_S = 5.0


def _on_stored(conn: Connection, events: Sequence[Event], _now: datetime) -> None:
    hand_off(conn, events)


def quiet_collector() -> None:
    """Let the garbage collector look seldom: events are made and dropped without cycles.

    Some 5 % of the writer's time (docs/performance.md); cycles elsewhere are still found.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def run(settings: Settings) -> None:
    """Serve until a signal."""
    quiet_collector()
    step_behind(3)
    stop = until_signalled()
    clock = SystemClock()
    database = Database(settings.database, application="doorguard-ingest")
    database.open()
    sessions = LaneSessions(settings)
    control = sessions.control()
    bus = ShareBus(control)
    lane = Lane(
        "event",
        database=database,
        bus=bus,
        clock=clock,
        batching=TOGETHER,
        telemetry=True,
        on_stored=_on_stored,
        writers=WRITERS,
    )
    worker = Worker(
        sessions=sessions,
        control=control,
        bus=bus,
        lane=lane,
        locks=Locks(settings.database, clock),
        clock=clock,
    )
    silence = Silence(settings, database, clock)
    beat = Beat(
        database,
        clock,
        "ingest",
        lambda: {**lane.figures(), **worker.figures(), **silence.figures()},
        instance=settings.instance,
    )
    parts: list[Part] = [lane, StorageUpkeep(database, clock), worker]
    for part in parts:
        part.start()
    worker.wait_settled_in(_FIRST_BEAT_AFTER_S)  # so that the first beat can say that it reads
    beat.start()
    silence.start()
    stop.wait()
    ending: list[Part] = [silence, beat, *reversed(parts)]
    for part in ending:
        part.stop()
    database.close()
