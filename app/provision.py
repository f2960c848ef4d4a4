"""What a registry needs beyond people: the synthetic home, and simulated devices."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from alerts import responders
from core.database import Connection
from core.errors import Conflict
from core.secrets import derive
from core.settings import BrokerAddress, Settings
from gateway import registry
from gateway.roles import SYNTHETIC_DEVICE, SYNTHETIC_HOUSEHOLD
from households.homes import Home, add_household
from simulators.connection import Credentials


def simulated(made: registry.Provisioned, settings: Settings) -> Credentials:
    """Return the credentials with which a simulated device on this machine connects."""
    broker = BrokerAddress(settings.broker)
    return Credentials(
        device=made.device,
        username=made.username,
        password=made.password,
        host=broker.host,
        port=broker.port,
        topic_root=made.topic_root,
        tls=broker.tls,
        ca_file=settings.broker_ca_file,
    )


def synthetic_password(service_key: str) -> str:
    """Return the broker password of the synthetic button, derived from the service key."""
    return derive(service_key, "broker:synthetic-device")


def ensure_synthetic(conn: Connection, service_key: str, now: datetime) -> None:
    """Make the synthetic home, its button and its responder where missing.

    When the service key was changed, the button's password follows it.
    """
    password = synthetic_password(service_key)
    if not registry.ensure_password(conn, SYNTHETIC_DEVICE, password):
        with suppress(Conflict):  # the home outlived its button
            add_household(
                conn, Home(SYNTHETIC_HOUSEHOLD, "Synthetic SOS", lat=37.5663, lon=126.9779)
            )
        registry.add_device(
            conn,
            SYNTHETIC_DEVICE,
            household_id=SYNTHETIC_HOUSEHOLD,
            kind="synthetic",
            now=now,
            password=password,
        )
    responders.ensure_synthetic(conn, now)
