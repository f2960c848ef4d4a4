"""What every process does the same way: its session at the broker, its end at a signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from typing import Protocol

from core.settings import BrokerAddress, Settings
from gateway.mqtt import Session
from gateway.roles import client_id, service_password, service_username


class Part(Protocol):
    """What a process starts in order and stops in reverse."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def session_for(
    role: str,
    settings: Settings,
    *,
    durable: bool = False,
    subscriptions: Sequence[tuple[str, int]] = (),
) -> Session:
    """Return the service's session: the URL's own user when it names one, else the derived one."""
    address = BrokerAddress(settings.broker)
    return Session(
        address,
        client_id=client_id(settings.service_key, service_username(role)),
        username=address.username or service_username(role),
        password=address.password or service_password(settings.service_key, role),
        ca_file=settings.broker_ca_file,
        pinned=settings.broker_pinned,
        durable=durable,
        subscriptions=subscriptions,
    )


def until_signalled() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
