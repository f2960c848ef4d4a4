"""The alarms process: the alarm lane, incidents, pages and their timers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from alerts import incidents
from alerts.eta.road_service import travel_times
from alerts.lifeline.reconciling import reconcile
from alerts.lifeline.records import key_of
from alerts.notices import NoticeSender
from alerts.paging.apprise_channel import AppriseChannel
from alerts.paging.device_channel import DeviceChannel
from alerts.paging.dispatcher import Dispatcher, EscalationClock
from alerts.paging.loopback import LoopbackChannel
from alerts.paging.webhook import WebhookChannel
from alerts.positions import forget_old
from alerts.rules.loading import rules_of
from app.processes.answers import Answering
from app.processes.cut_off import DECIDE_S, CutOff
from app.processes.lifeline import Lifeline
from app.processes.overdue import Overdue
from app.processes.pagers import Pagers
from app.processes.periodic import Periodic
from app.processes.road_times import RoadTimes
from app.processes.running import Part, session_for, until_signalled
from app.processes.sealing import Sealing
from app.processes.two_roads import TwoRoads
from core.clock import SystemClock
from core.database import Connection, Database
from core.errors import Contended
from core.liveness import Beat
from core.model import Event
from core.ports import Channel
from core.precedence import step_ahead
from core.settings import Settings
from core.telemetry import logger
from core.topics import ALARM_LANE, wildcard
from core.wire import MAX_MESSAGE_BYTES
from ingest import handoff
from ingest.lane import AT_ONCE, Lane

_HANDOFF_POLL_S = 0.5
_log = logger(__name__)
_POOL = 12  # dispatcher and its senders, timers, hand-off, beat, synthetic, lifeline, pagers


def run(settings: Settings) -> None:
    """Serve until a signal."""
    rules_of(settings)  # a process that could not correlate does not start
    if not step_ahead(alone=False):
        _log.info("alarms take their turn with all else here: `ulimit -r 1` lets them go first")
    stop = until_signalled()
    clock = SystemClock()
    database = Database(
        settings.database, application="doorguard-alarms", max_size=_POOL, ahead=True
    )
    database.open()

    def raise_incidents(conn: Connection, events: Sequence[Event], now: datetime) -> None:
        # by home, so that two transactions lock homes in the same order; a device keeps its order
        for event in sorted(events, key=lambda event: event.household_id):
            carried = lifeline.carried_for(event)
            if carried is None and bus.peers.carried_elsewhere(key_of(event)):
                raise Contended("another process brings this alarm in", delay_s=0.2)
            if carried is None:
                incidents.on_event(conn, event, now=now, settings=settings)
            else:
                reconcile(conn, carried, [event], now=now, settings=settings)

    def take_handed_off(conn: Connection) -> None:
        now = clock.now()
        raise_incidents(conn, handoff.take(conn, now=now), now)

    # of the lane alone: pages that wait for each other can never take its connection
    lane_database = Database(
        settings.database, application="doorguard-alarm-lane", max_size=1, ahead=True
    )
    lane_database.open()
    stored_session = partial(
        session_for,
        "alarms",
        settings,
        durable=True,
        subscriptions=[(wildcard(kind), 1) for kind in ALARM_LANE],
        max_payload_bytes=MAX_MESSAGE_BYTES + 1,  # enough to refuse it
    )
    bus = TwoRoads(stored_session, settings, clock)
    pagers = Pagers(settings, database, clock)
    channels: list[Channel] = [
        DeviceChannel(pagers.commands),
        WebhookChannel(clock),
        AppriseChannel(),
        LoopbackChannel(),
    ]
    watched = Overdue(bus, clock)
    lifeline = Lifeline(settings=settings, database=database, clock=clock, channels=channels)
    answering = Answering(lifeline, lambda topic, body: bus.publish_all([(topic, body)]))
    bus.questions_to(answering.hear)
    cut_off = CutOff(watched, bus.peers, lifeline, clock, decide_s=DECIDE_S)
    lane = Lane(
        "alarm",
        database=lane_database,
        bus=watched,
        clock=clock,
        batching=AT_ONCE,
        telemetry=False,
        on_stored=raise_incidents,
    )
    watched.deliver_to(lane.offer)
    dispatcher = Dispatcher(database, clock, settings, channels)
    timers = EscalationClock(database, clock, settings)
    handed_off = Periodic(
        "handoff", database, take_handed_off, every_s=_HANDOFF_POLL_S, channel="handoff"
    )
    sealing = Sealing(settings, database, clock)
    notices = NoticeSender(database, clock, channels)
    positions = Periodic(
        "positions", database, lambda conn: forget_old(conn, clock.now()), every_s=60.0
    )
    roads = (
        RoadTimes(travel_times(settings.road_service), database, clock, settings)
        if settings.road_service
        else None
    )
    beat = Beat(
        database,
        clock,
        "alarms",
        lambda: {
            **lane.figures(),
            **dispatcher.figures(),
            **timers.figures(),
            **lifeline.figures(),
            **(roads.figures() if roads else {}),
            "connected": bus.connected,
            "holding": bus.peers.holding,
        },
        instance=settings.instance,
    )
    parts: list[Part] = [
        lifeline,
        answering,
        cut_off,
        lane,
        dispatcher,
        timers,
        handed_off,
        bus,
        beat,
        sealing,
        notices,
    ]
    parts += [positions, pagers, *([roads] if roads else [])]
    for part in parts:
        part.start()
    stop.wait()
    for part in reversed(parts):
        part.stop()
    lane_database.close()
    database.close()
