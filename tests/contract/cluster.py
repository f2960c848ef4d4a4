"""Three real nodes of a cluster on free ports, to be killed one by one."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.embedded import nodes
from app.embedded.broker import server_binary
from app.embedded.ports import free_port
from gateway.nats_config import Listener, render
from gateway.registry import bcrypt_hash
from gateway.roles import ROLES
from tests.contract.brokers import PASSWORD

KEY = "a-service-key-of-the-test-of-32-bytes"


class Cluster:
    """Nodes by number, 0 to 2, all with the same users."""

    def __init__(self, folder: Path, devices: Sequence[str]) -> None:
        self.ports = [free_port() for _ in range(3)]
        self._monitors = [free_port() for _ in range(3)]
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        hashed = bcrypt_hash(PASSWORD)
        servers = nodes.servers(
            folder,
            [Listener("127.0.0.1", port) for port in self.ports],
            service_key=KEY,
            port=lambda _name: free_port(),
        )
        self._files = []
        for server, monitor in zip(servers, self._monitors, strict=True):
            server.folder.mkdir(parents=True)
            file = server.folder / "nats.json"
            file.write_text(
                render(
                    listener=server.listener,
                    store_folder=str(server.store),
                    services=dict.fromkeys(ROLES, hashed),
                    devices=[(device, hashed) for device in devices],
                    node=server.node,
                    monitor_port=monitor,
                )
            )
            self._files.append(file)

    def start(self, number: int) -> None:
        file = self._files[number]
        with file.with_suffix(".log").open("ab") as log:
            self._running[number] = subprocess.Popen(
                [server_binary(), "-c", str(file)], stdout=log, stderr=log
            )

    def kill(self, number: int) -> None:
        process = self._running.pop(number)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for number in list(self._running):
            self.kill(number)

    def leader(self, stream: str = "$MQTT_msgs") -> int:
        """Return the number of the node that leads a stream."""
        found = self._stream(next(iter(self._running)), stream)
        return int(found["cluster"]["leader"].removeprefix("broker-")) - 1

    def caught_up(self, number: int, stream: str = "$MQTT_msgs") -> bool:
        """Say whether a node's copy is current, as the leader sees it."""
        leader = self._stream(self.leader(stream), stream)["cluster"]
        name = f"broker-{number + 1}"
        return leader["leader"] == name or any(
            one["name"] == name and one["current"] and not one.get("offline")
            for one in leader["replicas"]
        )

    def _stream(self, node: int, stream: str) -> dict[str, Any]:
        for _ in range(400):
            try:
                url = f"http://127.0.0.1:{self._monitors[node]}/jsz?streams=true"
                details = httpx.get(url, timeout=2).json()["account_details"]
            except (httpx.HTTPError, KeyError):
                details = []
            for account in details:
                for one in account.get("stream_detail", []):
                    if one["name"] == stream and one.get("cluster", {}).get("leader"):
                        return dict(one)
            time.sleep(0.05)
        pytest.fail(f"no leader of {stream} within 20 s")
