"""The embedded broker's configuration, from the device registry; pure.

NATS reads JSON. MQTT topics become subjects: `/` is `.`, `+` is `*`. A user with limited rights
needs `$MQTT.sub.>` to hold QoS 1 subscriptions; devices subscribe at QoS 0 and need it not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.roles import ROLES, Role, device_role, service_username

MAX_PAYLOAD_BYTES = 2 * 1024 * 1024  # a frame is at most 1 MiB; past this the broker hangs up
MAX_UNACKNOWLEDGED = 4096
# What a process left unacknowledged comes again after this; a device repeats an alarm after 2 s.
REDELIVER_AFTER_S = 10


@dataclass(frozen=True, slots=True)
class Listener:
    """Where devices connect; TLS files or none (loopback only)."""

    host: str
    port: int
    cert_file: str | None = None
    key_file: str | None = None


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


def render(
    *,
    listener: Listener,
    store_folder: str,
    services: Mapping[str, str],
    devices: Iterable[tuple[str, str]],
) -> str:
    """Return the configuration file's text.

    `services` maps a role to its bcrypt hash, `devices` are (device id, bcrypt hash).
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
    config = {
        "server_name": "doorguard",
        "listen": "127.0.0.1:-1",  # NATS's own protocol: any free port, no user may use it
        "max_payload": MAX_PAYLOAD_BYTES,
        "lame_duck_duration": "30s",
        "jetstream": {"store_dir": store_folder},
        "mqtt": mqtt,
        "authorization": {"users": users},
    }
    return json.dumps(config, indent=1, ensure_ascii=False)
