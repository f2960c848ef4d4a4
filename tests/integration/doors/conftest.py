"""A home with a camera in the registry, and devices in memory behind the ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.doors.devices import Devices
from core.database import Connection, Database
from gateway import registry
from households.homes import Home, add_household
from tests.conftest import ManualClock
from tests.contract.fake_cameras import FakeCameras
from tests.contract.fake_commands import FakeCommands

CAMERA = "cam-home-1"


@dataclass
class Doors:
    """`says` is what the camera replies to a command type: None for silence, else (ok, data)."""

    devices: Devices
    commands: FakeCommands
    cameras: FakeCameras
    says: dict[str, tuple[bool, dict[str, Any]] | None] = field(default_factory=dict)

    def asked(self) -> list[str]:
        return [type_ for _, type_, _ in self.commands.asked]


@pytest.fixture
def doors(conn: Connection, database: Database, clock: ManualClock) -> Doors:
    add_household(conn, Home("home-1", "Home", 37.5, 127.0))
    registry.add_device(conn, CAMERA, household_id="home-1", kind="camera", now=clock.now())
    says: dict[str, tuple[bool, dict[str, Any]] | None] = {}

    def camera(
        _id: str, type_: str, _data: Mapping[str, Any]
    ) -> tuple[bool, dict[str, Any]] | None:
        return says.get(type_, (True, {}))

    commands = FakeCommands({CAMERA: camera})
    return Doors(Devices(commands, database, clock), commands, FakeCameras(), says)
