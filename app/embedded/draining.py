"""Emptying a broker's store before its files give way to those of another number of nodes.

What devices published and nobody has taken yet is owed to the alarms and ingest processes. So the
broker of before runs once more, closed to devices, and the two take what is theirs; only when
nothing is left may its files go. Devices meanwhile keep what they have, as in any outage.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import httpx

from app.embedded.broker import EmbeddedBroker
from app.embedded.nodes import Server
from app.embedded.ports import free_port
from core.clock import Clock
from core.database import Database
from core.errors import TemporaryError
from core.settings import Settings
from core.supervisor import Program, Supervisor
from gateway.nats_config import Listener

_TAKERS = ("alarms", "ingest")
_STREAM = "$MQTT_msgs"  # NATS keeps QoS 1 messages there until every session has taken them
_STUCK_AFTER_S = 30.0
_HOST = "127.0.0.1"


def drain(
    servers: Sequence[Server],
    *,
    settings: Settings,
    environment: Mapping[str, str],
    database: Database,
    clock: Clock,
    on_line: Callable[[str, str], None],
    wait: Callable[[Callable[[], bool]], None],
) -> None:
    """Return when `servers` hold nothing for anybody. `wait` waits until a condition is true.

    Raises `TemporaryError` when what is left does not grow less; nothing is deleted then.
    """
    closed = [
        replace(server, listener=Listener(_HOST, free_port()), monitor_port=free_port())
        for server in servers
    ]
    urls = ",".join(f"mqtt://{_HOST}:{server.listener.port}" for server in closed)
    supervisor = Supervisor(clock, on_line)
    broker = EmbeddedBroker(
        closed,
        service_key=settings.service_key,
        database=database,
        clock=clock,
        reload=lambda name: supervisor.signal(name, 1),
        devices=False,
    )
    takers = [
        Program(
            name=name,
            argv=[sys.executable, "-m", "app.processes", name],
            env={**environment, "DOORGUARD_BROKER": urls, "PYTHONUNBUFFERED": "1"},
        )
        for name in _TAKERS
    ]
    watch = _Watch([server.monitor_port or 0 for server in closed], clock)
    try:
        for program in (*broker.prepare(), *takers):
            supervisor.add(program)
        wait(watch.empty)
    finally:
        supervisor.stop()


class _Watch:
    def __init__(self, ports: Sequence[int], clock: Clock) -> None:
        self._ports = ports
        self._clock = clock
        self._least: int | None = None
        self._since_s = clock.monotonic_s()

    def empty(self) -> bool:
        now_s = self._clock.monotonic_s()
        left = owed(self._ports)
        if left is not None and (self._least is None or left < self._least):
            self._least, self._since_s = left, now_s
        if now_s - self._since_s > _STUCK_AFTER_S:
            held = self._least
            what = "cannot be read" if held is None else f"still holds {held} messages"
            raise TemporaryError(
                f"the broker's store {what}; nothing was deleted. Start with the number of "
                "--brokers it was made with, and see docs/scaling.md"
            )
        return left == 0


def owed(ports: Sequence[int]) -> int | None:
    """Return how many messages the servers behind these monitor ports hold for somebody.

    None while it is not known: the stream is not there yet, or no server answers.
    """
    held: list[int] = []
    for port in ports:
        try:
            found = httpx.get(f"http://{_HOST}:{port}/jsz?streams=true", timeout=2.0).json()
        except (httpx.HTTPError, ValueError):
            continue
        held += [
            int(stream["state"]["messages"])
            for account in found.get("account_details", [])
            for stream in account.get("stream_detail", [])
            if stream["name"] == _STREAM
        ]
    return max(held) if held else None
