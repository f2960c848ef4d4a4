"""The registry's configuration, and what of it is published retained."""

from __future__ import annotations

import json

import pytest

from core.database import Connection
from core.errors import DecodeError, NotFound
from core.topics import Kind, Topic
from gateway import registry
from gateway.configuration import ConfigurationPublisher
from households import homes
from tests.conftest import NOON

CAMERA = "camera-home-1"


class Retained:
    """A bus that remembers what was published retained."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        assert (topic, qos, retain) == (str(Topic(CAMERA, Kind.CONFIG)), 1, True)
        self.bodies.append(json.loads(payload))


@pytest.fixture
def home(conn: Connection) -> str:
    homes.add_household(conn, homes.Home("home-1", "Home 1", 37.5, 127.0))
    registry.add_device(conn, CAMERA, household_id="home-1", kind="camera", now=NOON)
    return "home-1"


def test_a_refused_configuration_changes_nothing(conn: Connection, home: str) -> None:
    assert registry.configure(conn, CAMERA, {"loiter": {"after_s": 20}}) == 1
    with pytest.raises(DecodeError, match="after_s"):
        registry.configure(conn, CAMERA, {"loiter": {"after_s": 2}})
    assert registry.configuration(conn, CAMERA) == {"loiter": {"after_s": 20}}
    with pytest.raises(NotFound):
        registry.configuration(conn, "camera-nobody")


def test_the_homes_risk_is_published_with_it(conn: Connection, home: str) -> None:
    bus = Retained()
    publisher = ConfigurationPublisher(bus)  # type: ignore[arg-type]
    publisher.publish(conn)
    assert bus.bodies == []
    homes.set_risk(conn, home, high=True)
    registry.renew_configurations(conn, home)
    publisher.publish(conn)
    registry.configure(conn, CAMERA, {"loiter": {"high_risk_after_s": 15}})
    publisher.publish(conn)
    publisher.publish(conn)
    homes.set_risk(conn, home, high=False)
    registry.renew_configurations(conn, home)
    publisher.publish(conn)
    loiter = {"high_risk_after_s": 15}
    assert bus.bodies == [
        {"version": 1, "high_risk": True},
        {"version": 2, "high_risk": True, "loiter": loiter},
        {"version": 3, "loiter": loiter},
    ]
