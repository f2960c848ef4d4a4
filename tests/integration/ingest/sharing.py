"""Workers of the event lane in this process, on a real broker and a real database."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from app.bench.account import out_of_order
from app.embedded.broker import server_binary
from app.embedded.ports import free_port
from app.processes.ingest import WRITERS
from app.processes.lane_sessions import LaneSessions
from app.processes.share_bus import ShareBus
from app.processes.sharing import Worker
from core.clock import SystemClock
from core.database import Connection, Database
from core.settings import BrokerAddress, Settings, load
from core.topics import Kind, Topic
from gateway import registry
from gateway.mqtt import Session
from gateway.nats_config import Listener, render
from gateway.registry import bcrypt_hash
from gateway.roles import ROLES
from households.homes import Home, add_household
from ingest.lane import TOGETHER, Lane
from ingest.sharing.locks import Locks
from tests.contract.brokers import running

PASSWORD = "a-password-of-the-test"
FLEET = "fleet"
REDELIVER_AFTER_S = 1.0  # sooner than in life, so that the tests are quick
RESUME_S = 1.3
DEVICES = [f"door-cam-{number}" for number in range(40)]
CLOCK = SystemClock()


@contextmanager
def nats(folder: Path) -> Iterator[int]:
    """The embedded broker with the services, and one user who may publish for every device."""
    port = free_port()
    hashed = bcrypt_hash(PASSWORD)
    text = render(
        listener=Listener("127.0.0.1", port),
        store_folder=str(folder / "jetstream"),
        services=dict.fromkeys(ROLES, hashed),
        devices=[],
    )
    config = json.loads(text)
    config["mqtt"]["ack_wait"] = f"{REDELIVER_AFTER_S:g}s"
    config["authorization"]["users"].append(
        {
            "user": FLEET,
            "password": hashed,
            "permissions": {"publish": ["dg.v1.*.*.event"]},
            "allowed_connection_types": ["MQTT"],
        }
    )
    file = folder / "nats.json"
    file.write_text(json.dumps(config))
    with running([server_binary(), "-c", str(file)], port):
        yield port


class Ingest:
    """One worker with its lane, as the process of that name wires them."""

    def __init__(self, settings: Settings) -> None:
        self.database = Database(settings.database, application="test-worker")
        self.database.open()
        sessions = LaneSessions(settings)
        control = sessions.control()
        bus = ShareBus(control)
        self.lane = Lane(
            "event",
            database=self.database,
            bus=bus,
            clock=CLOCK,
            batching=TOGETHER,
            telemetry=True,
            writers=WRITERS,
            on_stored=lambda *_: None,
        )
        self.locks = Locks(settings.database, CLOCK)
        self.worker = Worker(
            sessions=sessions,
            control=control,
            bus=bus,
            lane=self.lane,
            locks=self.locks,
            clock=CLOCK,
        )
        self.lane.start()
        self.worker.start()

    def figures(self) -> dict[str, Any]:
        return self.worker.figures()

    def stop(self) -> None:
        self.worker.stop()
        self.lane.stop()
        self.database.close()

    def die(self) -> None:
        """End as after kill -9, as near as a thread can: nothing is settled, nobody is told."""
        worker = self.worker
        worker._stop.set()
        worker._thread.join()
        for slot in [*worker._slots.values(), *worker._leaving.values()]:
            slot.reader.close()
            slot.session._stopping = True
            slot.session._drop()
            slot.session.stop()
        self.locks.close()
        worker._control.stop()
        self.lane.stop()
        self.database.close()


class Fleet:
    """Publishes events of many devices, each with its own rising `seq`, at a steady rate."""

    def __init__(self, port: int, *, rate: int = 400) -> None:
        self.sent: dict[str, int] = dict.fromkeys(DEVICES, 0)
        self._rate = rate
        self._session = Session(
            [BrokerAddress(f"mqtt://127.0.0.1:{port}")],
            client_id=FLEET,
            username=FLEET,
            password=PASSWORD,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._began = CLOCK.now()

    def __enter__(self) -> Self:
        self._session.start()
        assert self._session.wait_ready(10)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Stop publishing; return how many events were sent."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self._session.stop()
        return sum(self.sent.values())

    def _run(self) -> None:
        began_s, n = time.monotonic(), 0
        while not self._stop.is_set():
            due = int((time.monotonic() - began_s) * self._rate)
            for number in range(n, due):
                device = DEVICES[number % len(DEVICES)]
                self.sent[device] += 1
                self._publish(device, self.sent[device])
            n = due
            self._stop.wait(0.01)

    def _publish(self, device: str, seq: int) -> None:
        at = self._began + timedelta(milliseconds=seq)
        body = {"seq": seq, "type": "door.opened", "at": at.isoformat(), "data": {}}
        self._session.publish(str(Topic(device, Kind.EVENT)), json.dumps(body).encode(), qos=1)


def settle_in(workers: Sequence[Ingest], within_s: float = 30.0) -> list[int]:
    """Wait until the workers hold all 64 partitions among themselves; return who holds how many."""

    def found() -> list[int]:
        figures = [one.figures() for one in workers]
        counts = sorted(one["partitions"] for one in figures)
        ready = all(one["connected"] and one["workers"] == len(workers) for one in figures)
        return counts if ready and sum(counts) == 64 else []

    return eventually(found, within_s)


def eventually(true: Callable[[], Any], within_s: float = 15.0) -> Any:
    """Return the first truthy answer; fail when none comes in time."""
    end_s = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end_s, f"not within {within_s:g} s"
        time.sleep(0.02)
    return found


def stored(conn: Connection) -> int:
    row = conn.execute("SELECT count(*) AS n FROM events").fetchone()
    assert row is not None
    return int(row["n"])


def check(conn: Connection, sent: int, within_s: float = 30.0) -> None:
    """Every event once, and no device's events committed in another order than published."""
    eventually(lambda: stored(conn) >= sent, within_s)
    assert stored(conn) == sent, "nothing twice"
    assert out_of_order(conn, DEVICES) == 0


def install(conn: Connection, dsn: str, port: int, folder: Path) -> Settings:
    """Register the devices and return the settings of a worker."""
    add_household(conn, Home("home-1", "Home 1", 37.5, 127.0))
    for device in DEVICES:
        registry.add_device(
            conn, device, household_id="home-1", kind="camera", now=CLOCK.now() - timedelta(days=1)
        )
    return load(
        database=dsn,
        broker=f"mqtt://svc-ingest:{PASSWORD}@127.0.0.1:{port}",
        service_key="k" * 40,
        objects=str(folder),
        public_url="http://127.0.0.1",
        state_folder=folder,
    )
