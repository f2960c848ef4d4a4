"""The app process: API, operators' screen, responders' page; configuration to devices."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import msgspec
import uvicorn

from alerts import incidents
from alerts.rules.loading import rules_of
from app.api.models import EventReceipt
from app.evidence.retention import EvidenceRetention
from app.processes.periodic import Periodic
from app.processes.running import Part, session_for
from app.web import build
from core.catalogue import Source
from core.clock import SystemClock
from core.database import Database
from core.liveness import Beat
from core.model import Event
from core.objects import Objects
from core.settings import Settings
from core.topics import Kind, wildcard
from gateway.commands import CommandLine
from gateway.configuration import ConfigurationPublisher
from gateway.mqtt import Session
from gateway.watching import MAX_FRAME_BYTES, Cameras
from ingest import store
from ingest.attribution import place

_CONFIG_POLL_S = 5.0
_POOL = 10
_NO_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)  # a call carries no time of its own, only its key
APP_DEVICE = "app"  # stands where a device id does in events that people raise through the API


def run(settings: Settings) -> None:
    """Serve until a signal."""
    rules_of(settings)  # before a call for help asks for them
    clock = SystemClock()
    database = Database(settings.database, application="doorguard-app", max_size=_POOL)
    database.open()

    # of SOS calls alone: readers of histories can never take its connections
    sos_database = Database(settings.database, application="doorguard-app-sos", max_size=2)
    sos_database.open()

    def raise_sos(household_id: str, actor: str, seq: int) -> EventReceipt:
        """Commit an SOS pressed in the app: event, incident and pages in one transaction."""
        now = clock.now()
        with sos_database.transaction() as conn:
            key = (APP_DEVICE, Source.BACKEND, seq, _NO_CLOCK)
            at = place(conn, [key], now)[key]
            event = Event(
                household_id=household_id,
                at=at,
                device_id=APP_DEVICE,
                seq=seq,
                source=Source.BACKEND,
                type="sos.pressed",
                received_at=now,
                data=msgspec.json.encode({"by": actor}),
            )
            new = store.store(conn, [event])
            incident_id = incidents.on_event(conn, event, now=now, settings=settings)
        return EventReceipt(event_at=at, incident_id=incident_id, duplicate=not new)

    session = session_for("app", settings, subscriptions=[(wildcard(Kind.REPLY), 0)])
    commands = CommandLine(session, clock)
    session.deliver_to(commands.take)

    def watching(topic: str) -> Session:
        name = f"live-{secrets.token_hex(8)}"  # as many sessions as cameras are being watched
        return session_for(
            "app",
            settings,
            name=name,
            subscriptions=[(topic, 0)],
            max_payload_bytes=MAX_FRAME_BYTES,
        )

    publisher = ConfigurationPublisher(session)
    configuration = Periodic(
        "configuration",
        database,
        publisher.publish,
        every_s=_CONFIG_POLL_S,
        channel="registry",
    )
    objects = Objects(settings.objects)
    beat = Beat(database, clock, "app", lambda: {"connected": session.connected})
    web = build(
        settings,
        database,
        clock,
        objects,
        raise_sos,
        urgent=sos_database,
        commands=commands,
        cameras=Cameras(watching),
    )
    server = uvicorn.Server(
        uvicorn.Config(
            web,
            host=settings.http_host,
            port=settings.http_port,
            log_level="warning",
            timeout_graceful_shutdown=3,
            server_header=False,
        )
    )
    retention = EvidenceRetention(objects, clock, settings.keep_evidence_d)
    parts: list[Part] = [session, configuration, retention, beat]
    for part in parts:
        part.start()
    try:
        server.run()  # until SIGINT or SIGTERM
    finally:
        for part in reversed(parts):
            part.stop()
        sos_database.close()
        database.close()
