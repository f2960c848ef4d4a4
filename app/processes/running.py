"""What every process does the same way: its session at the broker, its end at a signal."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

from core import heartbeat
from core.settings import Settings, broker_addresses
from core.telemetry import configure_logging
from gateway.mqtt import Session
from gateway.nats_config import MAX_PAYLOAD_BYTES
from gateway.roles import client_id, service_password, service_username


class Part(Protocol):
    """What a process starts in order and stops in reverse."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def session_for(
    role: str,
    settings: Settings,
    *,
    name: str | None = None,
    durable: bool = False,
    subscriptions: Sequence[tuple[str, int]] = (),
    coalesce_s: float = 0.0,
    max_payload_bytes: int = MAX_PAYLOAD_BYTES,
) -> Session:
    """Return the service's session: the first URL's own user, else the derived one."""
    addresses = broker_addresses(settings.broker)
    return Session(
        addresses,
        client_id=client_id(settings.service_key, name or service_username(role)),
        username=addresses[0].username or service_username(role),
        password=addresses[0].password or service_password(settings.service_key, role),
        ca_file=settings.broker_ca_file,
        pinned=settings.broker_pinned,
        durable=durable,
        subscriptions=subscriptions,
        receive=settings.receive,
        max_payload_bytes=max_payload_bytes,
        coalesce_s=coalesce_s if settings.receive == "bulk" else 0.0,
    )


def serve(process: str, settings: Settings) -> None:
    """Run a process in the foreground, until a signal."""
    configure_logging(process, json=not sys.stderr.isatty())
    threading.excepthook = end_on_bug
    heartbeat.start()
    import_module(f"app.processes.{process}").run(settings)  # each process loads only its own


def end_on_bug(args: threading.ExceptHookArgs) -> None:
    """A thread that died of a bug takes its process with it; the supervisor starts a clean one."""
    sys.excepthook(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)
    signal.raise_signal(signal.SIGABRT)


def until_signalled() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
