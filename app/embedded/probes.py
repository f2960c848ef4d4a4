"""Whether each node of the broker serves: a session at every one, as a device would have it.

A node that listens need not serve: until the cluster has a leader and its store can be written,
CONNECT is not answered. A session that stands proves all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from core import liveness
from core.clock import Clock
from core.database import Connection
from core.settings import BrokerAddress, Settings
from gateway import roles
from gateway.mqtt import Session

_ROLE = "app"


class Probes:
    """Sessions by node; `addresses` maps its name to where it listens, `pid` to its process."""

    def __init__(
        self,
        addresses: Mapping[str, BrokerAddress],
        settings: Settings,
        clock: Clock,
        *,
        pid: Callable[[str], int | None],
    ) -> None:
        self._pid = pid
        self._sessions = {
            name: Session(
                [address],
                client_id=roles.client_id(settings.service_key, f"probe-{name}"),
                username=roles.service_username(_ROLE),
                password=roles.service_password(settings.service_key, _ROLE),
                ca_file=settings.broker_ca_file,
                pinned=settings.broker_pinned,
            )
            for name, address in addresses.items()
        }
        self._reporters = {
            name: liveness.Reporter(clock, name, partial(_figures, session))
            for name, session in self._sessions.items()
        }
        self._written_s = float("-inf")
        self._clock = clock

    def start(self) -> None:
        for session in self._sessions.values():
            session.start()

    def stop(self) -> None:
        for session in self._sessions.values():
            session.stop()

    def serving(self) -> Sequence[str]:
        """Return the names of the nodes that serve now."""
        return [name for name, session in self._sessions.items() if session.connected]

    def most_serve(self) -> bool:
        """Say whether a majority serves: then every message finds its copies."""
        return 2 * len(self.serving()) > len(self._sessions)

    def beat(self, conn: Connection) -> None:
        """Write each node's beat when it is due."""
        now_s = self._clock.monotonic_s()
        if now_s - self._written_s < liveness.BEAT_EVERY_S:
            return
        self._written_s = now_s
        with conn.transaction():
            for name, reporter in self._reporters.items():
                report = msgspec.structs.replace(reporter.report(), pid=self._pid(name) or 0)
                liveness.write(conn, report)


def _figures(session: Session) -> dict[str, Any]:
    return {"connected": session.connected}
