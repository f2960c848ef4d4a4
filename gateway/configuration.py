"""Desired configuration goes to each device as a retained message, whenever it changed."""

from __future__ import annotations

import json

from core import sql
from core.database import Connection
from core.ports import Bus
from core.topics import Kind, Topic

_QUERIES = sql.load("gateway")


class ConfigurationPublisher:
    """Keeps the retained `config` messages equal to the registry; call `publish` when it changed.

    All are published once after a start, so that a broker that lost its store has them again.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._published: dict[str, int] = {}

    def publish(self, conn: Connection) -> None:
        """Publish what is newer than at the last call. Raises `BrokerAway`."""
        for row in conn.execute(_QUERIES["configured_devices"]).fetchall():
            device, version = row["device_id"], row["config_version"]
            if self._published.get(device) == version:
                continue
            whole = {**row["config"], "version": version}
            if row["high_risk"]:
                whole["high_risk"] = True
            body = json.dumps(whole).encode()
            self._bus.publish(str(Topic(device, Kind.CONFIG)), body, qos=1, retain=True)
            self._published[device] = version
