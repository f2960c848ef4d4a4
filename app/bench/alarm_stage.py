"""What `bench alarm` runs on: all services, homes with buttons, a pager, a load to put on top."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp

from alerts import incidents, responders
from app.accounts.second_factor import SecondFactor, begin
from app.accounts.users import add_user
from app.bench.account import count
from app.bench.board_window import BoardWindow
from app.bench.pipeline import ASKS_EVERY, PUBLISHERS
from app.bench.publishers import Publishers
from app.embedded.installation import Installation
from app.embedded.services import Plan, Services
from app.provision import simulated
from core import sql
from core.clock import SystemClock
from core.errors import TemporaryError
from core.secrets import new_secret
from core.settings import broker_addresses
from gateway import registry
from households.homes import Home, add_household
from simulators.button import Button
from simulators.camera import DoorCamera
from simulators.connection import Credentials
from simulators.generator import Who
from simulators.pager import Pager
from simulators.scene import Scene

HOMES = 20  # pressed in turn; one at a time, as each is measured by itself
LOAD_DEVICES = 200
CAMERAS = 6
FPS = 5.0
_LEARN_S = 2.0  # the broker learns of new devices
_ONLINE_WITHIN_S = 10.0
_SETTLE_S = 3.0  # under load before the first press counts
_PATIENCE_S = 60.0
_PICTURES = 10
_USER, _RESPONDER = "bench-operator", "bench-responder"
_QUERIES = sql.load("app.bench")


class _Film:
    """Ten pictures of an empty corridor, made beforehand: a camera costs the bench nothing."""

    def __init__(self) -> None:
        scene = Scene(stays=())
        self._pictures = [scene.at(number / FPS) for number in range(_PICTURES)]

    def at(self, t_s: float) -> bytes:
        return self._pictures[int(t_s * FPS) % _PICTURES]


@dataclass(frozen=True, slots=True)
class Size:
    """What is on the stage; `alarms` are alarms processes."""

    homes: int = HOMES
    responders: int = 1
    loaders: int = LOAD_DEVICES
    cameras: int = CAMERAS
    alarms: int = 1


_USUAL = Size()


class Stage:
    """Services in a temporary folder, homes with a button, a responder with a pager, a board."""

    def __init__(self, services: Services, pagers: Sequence[Pager], size: Size) -> None:
        self.services = services
        self.pagers = list(pagers)
        self.homes = [f"bench-{number:03}" for number in range(size.homes)]
        self.buttons: list[Button] = []
        self.devices: list[Who] = []
        self.cameras: list[Credentials] = []
        clock = SystemClock()
        with services.database.transaction() as conn:
            now = clock.now()
            for home in self.homes:
                add_household(conn, Home(home, home, 37.55, 126.98))
                made = registry.add_device(
                    conn, f"button-{home}", household_id=home, kind="button", now=now
                )
                self.buttons.append(Button(simulated(made, services.settings)))
            for number in range(size.loaders):
                device, password = f"load-{number:03}", new_secret()
                home = self.homes[number % size.homes]
                registry.add_device(
                    conn, device, household_id=home, kind="camera", now=now, password=password
                )
                self.devices.append(Who(device, device, password))
            for number in range(size.cameras):
                made = registry.add_device(
                    conn,
                    f"door-{number}",
                    household_id=self.homes[number],
                    kind="camera",
                    now=now,
                )
                self.cameras.append(simulated(made, services.settings))
            for number, pager in enumerate(self.pagers):
                hired = responders.add(
                    conn,
                    f"{_RESPONDER}-{number}",
                    name="Bench",
                    kind="crew",
                    lat=37.56 + number / 100,
                    lon=126.98,
                    webhook_url=pager.url,
                    now=now,
                )
                pager.secret = hired["webhook_secret"]
            self.password = add_user(conn, _USER, "operator")
            secret = begin(_USER).secret
            factor = SecondFactor(services.settings.service_key)
            code = pyotp.TOTP(secret).at(now)
            self.codes = factor.enrol(conn, _USER, secret, code, now)

    @property
    def pager(self) -> Pager:
        """The nearest responder's."""
        return self.pagers[0]

    def close(self, incident_id: int) -> None:
        """End an incident, so that the next press at the home opens another."""
        with self.services.database.transaction() as conn:
            incidents.close(
                conn, incident_id, actor=_USER, now=SystemClock().now(), outcome="closed"
            )

    def incident_of(self, device: str, seq: int) -> tuple[int, int] | None:
        """Return the incident of a press, and when it was opened, in milliseconds of the epoch."""
        with self.services.database.transaction() as conn:
            row = conn.execute(
                _QUERIES["incident_of_press"], {"device_id": device, "seq": seq}
            ).fetchone()
        return (row["incident_id"], round(row["opened_at"].timestamp() * 1000)) if row else None


@contextmanager
def staged(database: str | None = None, size: Size = _USUAL) -> Iterator[Stage]:
    """Start everything; with a database of its own unless one is named."""
    folder = Path(tempfile.mkdtemp(prefix="doorguard-bench-"))
    folder.chmod(0o711)
    pagers = [
        Pager("", answer="ignore", on_page=lambda _page: None) for _ in range(size.responders)
    ]
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        services = ending.enter_context(
            Services(
                Installation(folder),
                Plan(database=database, alarms=size.alarms),
                clock=SystemClock(),
                on_line=lambda _name, _line: None,
                progress=lambda _text: None,
                reachable=folder,
            )
        )
        services.start()
        stage = Stage(services, pagers, size)
        for pager in pagers:
            pager.start()
            ending.callback(pager.stop)
        threading.Event().wait(_LEARN_S)
        for button in stage.buttons:
            button.start()
            ending.callback(button.stop)
        for button in stage.buttons:
            if not button.wait_online(_ONLINE_WITHIN_S):
                raise TemporaryError(f"{button.id} could not connect to the broker")
        yield stage


def window(stage: Stage) -> BoardWindow:
    """Return the board's window of a stage."""
    url = f"http://{stage.services.settings.http_host}:{stage.services.settings.http_port}"
    return BoardWindow(url, _USER, stage.password, stage.codes.pop())


@contextmanager
def loaded(stage: Stage) -> Iterator[dict[str, Any]]:
    """Saturate the event lane and send pictures; what came of it stands in the mapping after."""
    told: dict[str, Any] = {}
    film = _Film()
    cameras = [DoorCamera(one, film, fps=FPS) for one in stage.cameras]
    brokers = [(one.host, one.port) for one in broker_addresses(stage.services.settings.broker)]
    publishers = Publishers(
        stage.devices,
        brokers,
        processes=PUBLISHERS,
        events=None,
        rate=None,
        ack_every=ASKS_EVERY,
        patience_s=_PATIENCE_S,
    )
    with publishers, ExitStack() as ending:
        for camera in cameras:
            camera.start()
            ending.callback(camera.stop)
        publishers.go()
        threading.Event().wait(_SETTLE_S)
        yield told
        publishers.stop()
        account = publishers.account()
    with stage.services.database.transaction() as conn:
        counted = count(conn, account.sent)
    told |= {
        "events_s": round(counted.rows / max(1e-9, account.ended_s - account.began_s)),
        "events_lost": counted.lost,
        "frames": sum(camera.frames_sent for camera in cameras),
    }
