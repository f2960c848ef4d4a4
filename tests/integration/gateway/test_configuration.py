"""The registry's configuration, and what of it is published retained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import cli
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


def test_the_command_sets_shows_and_refuses(
    conn: Connection, home: str, dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    conn.commit()
    monkeypatch.setenv("DOORGUARD_DATABASE", dsn)

    def run(*words: str) -> tuple[int, dict[str, object]]:
        done = CliRunner().invoke(cli, ["device", "configure", CAMERA, *words, "--json"])
        return done.exit_code, json.loads(done.stdout.splitlines()[-1])

    door = "door=0.2,0.4 0.8,0.4 0.8,1 0.2,1; after_s=20"
    status, answer = run("--loiter-after-s", "40", "--zone", door, "--no-motion")
    assert (status, answer["config_version"]) == (0, 1)
    status, answer = run("--after-hours", "22:00-06:00=50")
    assert status == 1
    assert "keeps what it has: 50 s is longer than `loiter.after_s`, 40 s" in str(answer["detail"])
    status, answer = run("--after-hours", "22:00-06:00=15 fri,sat")
    assert (status, answer["config_version"]) == (0, 2)
    file = tmp_path / "more.toml"
    file.write_text('timezone = "Asia/Seoul"\n[motion]\nenabled = true\n')
    assert run("--from", str(file))[0] == 0
    _, shown = run()
    config = shown["config"]
    assert isinstance(config, dict)
    assert config["zones"][0]["after_s"] == 20
    assert config["loiter"]["after_hours"][0]["days"] == ["fri", "sat"]
    assert (config["timezone"], config["motion"]) == ("Asia/Seoul", {"enabled": True})
