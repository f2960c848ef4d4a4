"""The app process: API, operators' screen, responders' page; configuration to devices."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import msgspec
import uvicorn

from alerts.paging.apprise_channel import AppriseChannel
from alerts.paging.device_channel import DeviceChannel
from alerts.paging.loopback import LoopbackChannel
from alerts.paging.webhook import WebhookChannel
from alerts.rules.loading import rules_of
from app.evidence.retention import EvidenceRetention
from app.processes.answers import Answering, Asking
from app.processes.calling import Calling
from app.processes.lifeline import Lifeline
from app.processes.periodic import Periodic
from app.processes.running import Part, session_for
from app.web import build
from core.clock import SystemClock
from core.database import Database
from core.errors import BrokerAway
from core.liveness import Beat
from core.objects import Objects
from core.ports import Channel, Message
from core.precedence import step_ahead
from core.settings import Settings
from core.topics import ANSWERS_ASKED, ANSWERS_GIVEN, BOARD_DREW, Kind, wildcard
from gateway.commands import CommandLine
from gateway.configuration import ConfigurationPublisher
from gateway.mqtt import Session
from gateway.watching import MAX_FRAME_BYTES, Cameras

_CONFIG_POLL_S = 5.0
_POOL = 10


def run(settings: Settings) -> None:
    """Serve until a signal."""
    rules_of(settings)  # before a call for help asks for them
    clock = SystemClock()
    database = Database(settings.database, application="doorguard-app", max_size=_POOL)
    database.open()

    # of SOS calls alone: readers of histories can never take its connections
    sos_database = Database(settings.database, application="doorguard-app-sos", max_size=2)
    sos_database.open()

    session = session_for("app", settings, subscriptions=[(wildcard(Kind.REPLY), 0)])
    commands = CommandLine(session, clock)
    session.deliver_to(commands.take)
    channels: list[Channel] = [
        DeviceChannel(commands),
        WebhookChannel(clock),
        AppriseChannel(),
        LoopbackChannel(),
    ]
    lifeline = Lifeline(settings=settings, database=database, clock=clock, channels=channels)

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
    calls = session_for(
        "app",
        settings,
        name="svc-app-answers",
        subscriptions=[(ANSWERS_ASKED, 0), (ANSWERS_GIVEN, 0)],
    )

    def say(topic: str, body: bytes) -> None:
        calls.publish_all([(topic, body)])

    asking, answering = Asking(say), Answering(lifeline, say)

    def hear(messages: Sequence[Message]) -> None:
        asking.hear(messages)
        for one in messages:
            if one.topic == ANSWERS_ASKED:
                answering.hear(one)

    calls.deliver_to(hear)

    def drew(as_of: datetime) -> None:
        with suppress(BrokerAway):  # then the watchman hears of nothing, and says so
            say(BOARD_DREW, msgspec.json.encode(as_of))

    calling = Calling(
        settings=settings,
        database=sos_database,
        clock=clock,
        lifeline=lifeline,
        asking=asking,
    )
    beat = Beat(
        database,
        clock,
        "app",
        lambda: {"connected": session.connected, **lifeline.figures()},
    )
    web = build(
        settings,
        database,
        clock,
        objects,
        calling.raise_sos,
        urgent=sos_database,
        around=calling,
        on_board=drew,
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
    parts: list[Part] = [
        lifeline,
        answering,
        calling,
        calls,
        session,
        configuration,
        retention,
        beat,
    ]
    for part in parts:
        part.start()
    step_ahead(alone=True)  # the thread that tells the screens; readers of histories have others
    try:
        server.run()  # until SIGINT or SIGTERM
    finally:
        for part in reversed(parts):
            part.stop()
        sos_database.close()
        database.close()
