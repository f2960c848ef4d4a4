"""What a registry needs beyond people: the synthetic home, and simulated devices."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from alerts import responders
from core.database import Connection
from core.errors import Conflict
from core.secrets import derive
from core.settings import Settings, broker_addresses
from gateway import registry
from gateway.roles import SYNTHETIC_DEVICE, SYNTHETIC_HOUSEHOLD
from households.homes import Home, add_household
from simulators.addresses import Address
from simulators.connection import Credentials


def device_addresses(settings: Settings) -> list[Address]:
    """Return where devices reach the broker: one address a node.

    `device_host` names them where our own way differs: one host, behind which the nodes have their
    ports, or a list of host:port separated by commas. Raises `ConfigurationError`.
    """
    nodes = broker_addresses(settings.broker)
    given = (settings.device_host or "").strip()
    if not given:
        return [Address(node.host, node.port) for node in nodes]
    bare_ipv6 = given.count(":") > 1 and "[" not in given and "," not in given
    if bare_ipv6 or ("," not in given and ":" not in given.rpartition("]")[2]):
        ports = dict.fromkeys(node.port for node in nodes)
        return [Address(given.strip("[]"), port) for port in ports]
    scheme = "mqtts" if nodes[0].tls else "mqtt"
    named = broker_addresses(",".join(f"{scheme}://{one.strip()}" for one in given.split(",")))
    return [Address(one.host, one.port) for one in named]


def simulated(made: registry.Provisioned, settings: Settings) -> Credentials:
    """Return the credentials with which a simulated device on this machine connects."""
    nodes = broker_addresses(settings.broker)
    return Credentials(
        device=made.device,
        username=made.username,
        password=made.password,
        addresses=tuple(Address(node.host, node.port) for node in nodes),
        topic_root=made.topic_root,
        tls=nodes[0].tls,
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
