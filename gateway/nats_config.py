"""The embedded broker's configuration, from the device registry; pure.

NATS reads JSON. MQTT topics become subjects: `/` is `.`, `+` is `*`. A user with limited rights
needs `$MQTT.sub.>` to hold QoS 1 subscriptions; devices subscribe at QoS 0 and need it not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from gateway.roles import ROLES, Role, device_role, service_username

MAX_PAYLOAD_BYTES = 2 * 1024 * 1024  # a frame is at most 1 MiB; past this the broker hangs up
MAX_UNACKNOWLEDGED = 4096
# What a process left unacknowledged comes again after this; a device repeats an alarm after 2 s. A
# worker that takes over another's share waits so long (docs/adr/0010), and must be done in 10 s.
REDELIVER_AFTER_S = 2
# A publisher, or a device that connects, waits this long for the cluster's store, then is hung up
# on. A request to a store whose leader has just died is never answered, so waiting longer helps
# nobody; the next attempt may find the new leader, which is elected within 4 to 9 s (nats-server).
STORE_ANSWERS_WITHIN_S = 2
MOST_REPLICAS = 3  # a majority must hold each message; more nodes share the clients, not the copies
_ROUTE_USER = "route"
_ROUTE_PING_S = 2  # a node that hangs without dying is cut off after three of these


@dataclass(frozen=True, slots=True)
class Listener:
    """Where devices connect; TLS files or none (loopback only)."""

    host: str
    port: int
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class RouteTls:
    """Files with which the nodes know each other: both sides show a certificate."""

    cert_file: str
    key_file: str
    ca_file: str


@dataclass(frozen=True, slots=True)
class Node:
    """One of the servers of a cluster. `listen` and `peers` are host:port of the routes between
    them; `peers` names every node, this one too.
    """

    name: str
    listen: str
    peers: tuple[str, ...]
    password: str = field(repr=False)
    tls: RouteTls | None = None


def subject(topic: str) -> str:
    """Return the NATS subject of an MQTT topic or filter of ours."""
    return topic.replace("/", ".").replace("+", "*")


def _user(name: str, password_bcrypt: str, role: Role, *, service: bool) -> dict[str, Any]:
    subscribe = [subject(topic) for topic in role.subscribe]
    return {
        "user": name,
        "password": password_bcrypt,
        "permissions": {
            "publish": [subject(topic) for topic in role.publish],
            "subscribe": [*subscribe, "$MQTT.sub.>"] if service else subscribe,
        },
        "allowed_connection_types": ["MQTT"],
    }


def _cluster(node: Node) -> dict[str, Any]:
    login = f"{_ROUTE_USER}:{quote(node.password, safe='')}"
    cluster: dict[str, Any] = {
        "name": "doorguard",
        "listen": node.listen,
        "authorization": {"user": _ROUTE_USER, "password": node.password, "timeout": 3},
        "routes": [f"nats-route://{login}@{peer}" for peer in node.peers],
        "no_advertise": True,  # every node is named to every other; none is found by hearsay
        "ping_interval": f"{_ROUTE_PING_S}s",
        "ping_max": 3,
    }
    if node.tls:
        cluster["tls"] = {
            "cert_file": node.tls.cert_file,
            "key_file": node.tls.key_file,
            "ca_file": node.tls.ca_file,
            "verify": True,
        }
    return cluster


def render(
    *,
    listener: Listener,
    store_folder: str,
    services: Mapping[str, str],
    devices: Iterable[tuple[str, str]],
    node: Node | None = None,
    monitor_port: int | None = None,
) -> str:
    """Return the configuration file's text.

    `services` maps a role to its bcrypt hash, `devices` are (device id, bcrypt hash). With `node`
    the server is one of a cluster and every message, session and retained message has three copies.
    On `monitor_port` of loopback it tells anybody of this machine what its store holds.
    """
    users = [
        _user(service_username(role), services[role], ROLES[role], service=True) for role in ROLES
    ]
    users += [_user(name, hashed, device_role(name), service=False) for name, hashed in devices]
    mqtt: dict[str, Any] = {
        "listen": f"{listener.host}:{listener.port}",
        "max_ack_pending": MAX_UNACKNOWLEDGED,
        "ack_wait": f"{REDELIVER_AFTER_S}s",
    }
    if listener.cert_file and listener.key_file:
        mqtt["tls"] = {"cert_file": listener.cert_file, "key_file": listener.key_file}
    config: dict[str, Any] = {
        "server_name": node.name if node else "doorguard",
        "listen": "127.0.0.1:-1",  # NATS's own protocol: any free port, no user may use it
        "max_payload": MAX_PAYLOAD_BYTES,
        "lame_duck_duration": "30s",
        "jetstream": {"store_dir": store_folder},
        "mqtt": mqtt,
        "authorization": {"users": users},
    }
    if node:
        mqtt["stream_replicas"] = min(MOST_REPLICAS, len(node.peers))
        mqtt["js_api_timeout"] = f"{STORE_ANSWERS_WITHIN_S}s"
        config["cluster"] = _cluster(node)
    if monitor_port:
        config["http"] = f"127.0.0.1:{monitor_port}"
    return json.dumps(config, indent=1, ensure_ascii=False)
