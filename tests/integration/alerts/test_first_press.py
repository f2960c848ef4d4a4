"""The first test alarm after a start waits for those that it tests; not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.embedded.broker import server_binary
from app.embedded.ports import free_port
from app.processes.duty_line import DutyLine, duty_line
from app.processes.running import session_for
from app.processes.synthetic import SyntheticSos
from app.processes.watchman import Watchman
from app.provision import ensure_synthetic, synthetic_password
from core import liveness
from core.clock import SystemClock
from core.database import Database
from core.topics import BOARD_DREW
from gateway.nats_config import Listener, render
from gateway.registry import bcrypt_hash
from gateway.roles import ROLES, SYNTHETIC_DEVICE, service_password
from tests.contract.brokers import running
from tests.integration.alerts.story import SETTINGS

pytestmark = pytest.mark.integration
KEY = SETTINGS.service_key


class Stage:
    """A watchman beside a broker and a database, and nobody else."""

    def __init__(self, database: Database, port: int, ending: ExitStack) -> None:
        self._settings = SETTINGS.model_copy(update={"broker": f"mqtt://127.0.0.1:{port}"})
        self._database = database
        self._ending = ending
        self.clock = SystemClock()
        with database.transaction() as conn:
            ensure_synthetic(conn, KEY, self.clock.now())
        self.sos = SyntheticSos(self._settings, database, self.clock)
        self._app = session_for("app", self._settings)
        for part in (self.sos, self._app):
            part.start()
            ending.callback(part.stop)
        soon(lambda: self.sos.connected and self._app.connected)

    def begin(self, line: DutyLine, first_within_s: float) -> None:
        watchman = Watchman(
            self._settings,
            self._database,
            self.clock,
            self.sos,
            line,
            first_within_s=first_within_s,
        )
        watchman.start()
        self._ending.callback(watchman.stop)

    def draw(self) -> None:
        """Say what the app says whenever its boards were handed something."""
        self._app.publish_all([(BOARD_DREW, msgspec.json.encode(self.clock.now()))])

    def beat(self, *, connected: bool = True) -> None:
        """Say what an alarms process says of itself every two seconds."""
        reporter = liveness.Reporter(self.clock, "alarms", lambda: {"connected": connected})
        with self._database.transaction() as conn:
            liveness.write(conn, reporter.report())

    def checks(self) -> list[dict[str, Any]]:
        with self._database.transaction() as conn:
            return conn.execute("SELECT * FROM synthetic_checks ORDER BY check_id").fetchall()


def soon(what: Callable[[], Any]) -> Any:
    end_s = time.monotonic() + 20
    while not (found := what()):
        assert time.monotonic() < end_s
        time.sleep(0.02)
    return found


@pytest.fixture
def stage(database: Database, tmp_path: Path) -> Iterator[Stage]:
    port = free_port()
    text = render(
        listener=Listener("127.0.0.1", port),
        store_folder=str(tmp_path / "jetstream"),
        services={role: bcrypt_hash(service_password(KEY, role)) for role in ROLES},
        devices=[(SYNTHETIC_DEVICE, bcrypt_hash(synthetic_password(KEY)))],
    )
    file = tmp_path / "nats.json"
    file.write_text(text)
    with running([server_binary(), "-c", str(file)], port), ExitStack() as ending:
        yield Stage(database, port, ending)


def drawn(stage: Stage, since: datetime) -> None:
    """Draw, until the watchman has heard it; all else is there already."""
    soon(lambda: stage.draw() or stage.sos.ready(since))


def test_ready_are_a_board_that_drew_and_an_alarms_process_that_hears(stage: Stage) -> None:
    stage.draw()
    stage.beat()
    since = stage.clock.now()
    assert not stage.sos.ready(since), "of processes that may be gone"
    stage.beat()
    assert not stage.sos.ready(since), "no board has drawn since"
    drawn(stage, since)
    stage.beat(connected=False)
    assert not stage.sos.ready(since), "it hears no alarms"


def test_the_first_press_waits_until_they_are_there(stage: Stage) -> None:
    stage.begin(duty_line(stage.clock), first_within_s=3600.0)
    since = stage.clock.now()
    stage.beat()
    there = stage.clock.now()
    drawn(stage, since)
    (check,) = soon(stage.checks)  # without an alarms process behind the beat it fails
    assert check["detail"] == "no ack within 5 s"
    assert check["started_at"] >= there


def test_who_does_not_come_at_all_is_a_miss(stage: Stage) -> None:
    stage.begin(duty_line(stage.clock), first_within_s=0.5)
    (check,) = soon(stage.checks)
    assert not check["ok"]
