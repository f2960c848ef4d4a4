from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.frames import decode_frame
from core.topics import Kind
from simulators.camera import DoorCamera
from simulators.source import encode_jpeg
from tests.integration.simulators.conftest import make_credentials

pytestmark = pytest.mark.integration

ID = "cam-1"


class Film:
    """Half a second of noise, 300 KB a frame."""

    def at(self, t_s):
        if t_s >= 0.5:
            return None
        rng = np.random.default_rng(round(t_s * 1000))
        return encode_jpeg(rng.integers(0, 255, (540, 720, 3), dtype=np.uint8))


@pytest.fixture
def camera(broker, backend):
    camera = DoorCamera(make_credentials(ID, broker.port), Film(), fps=10)
    camera.start()
    yield camera
    camera.stop()


def test_frames_carry_rising_numbers_and_the_capture_time(backend, camera):
    assert camera.film_ended.wait(10)
    assert backend.wait(lambda: camera.frames_sent == len(backend.of(ID, Kind.FRAME)) > 0)
    frames = [decode_frame(payload) for payload in backend.of(ID, Kind.FRAME)]
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers))
    for frame in frames:
        shown_s = (frame.captured_at - camera.started_at).total_seconds()
        assert shown_s == pytest.approx(round(shown_s, 1), abs=1e-5)
        assert frame.jpeg == Film().at(round(shown_s, 1))
    assert camera.frames_sent + camera.frames_dropped == 5


def test_door_events_are_acknowledged_beside_the_frames(backend, camera):
    assert camera.wait_online(10)
    seq = camera.door_event("door.unlocked", {"method": "pin", "user": "kim"})
    forced = camera.door_event("door.forced")
    assert camera.wait_acked(seq, 10) is not None
    assert camera.wait_acked(forced, 10) is not None
    assert json.loads(bytes(backend.stored[ID][seq].data)) == {"method": "pin", "user": "kim"}
    assert len(backend.of(ID, Kind.ALARM)) == 1


def test_a_snapshot_sends_the_last_picture_again(backend, camera):
    assert camera.film_ended.wait(10)
    assert backend.wait(lambda: len(backend.of(ID, Kind.FRAME)) == camera.frames_sent > 0)
    sent = len(backend.of(ID, Kind.FRAME))
    expires_at = datetime.now(UTC) + timedelta(seconds=30)
    backend.command(ID, id="snap", type="snapshot", expires_at=expires_at)
    assert backend.wait(lambda: backend.of(ID, Kind.REPLY))
    assert backend.wait(lambda: len(backend.of(ID, Kind.FRAME)) == sent + 1)
    reply = json.loads(backend.of(ID, Kind.REPLY)[0])
    assert reply["ok"]
    assert reply["data"]["frame"] == decode_frame(backend.of(ID, Kind.FRAME)[-1]).number


def ask(backend, number: int, **fields: object) -> dict[str, object]:
    """Send the camera its `number`th command and return the reply."""
    expires_at = datetime.now(UTC) + timedelta(seconds=30)
    backend.command(ID, id=f"c{number}", expires_at=expires_at, **fields)
    assert backend.wait(lambda: len(backend.of(ID, Kind.REPLY)) == number)
    reply = json.loads(backend.of(ID, Kind.REPLY)[-1])
    assert reply.pop("id") == f"c{number}"
    return reply


def test_every_command_is_answered(backend, camera):
    assert camera.film_ended.wait(10)
    done = {"ok": True, "data": {}}
    assert ask(backend, 1, type="siren.on", data={"for_s": 30})["data"] == {"for_s": 30.0}
    assert "siren" in camera.switched
    assert ask(backend, 2, type="siren.off") == done
    assert camera.switched == {}
    assert ask(backend, 3, type="light.on")["ok"]
    assert ask(backend, 4, type="light.off") == done
    assert ask(backend, 5, type="announce", data={"message": "warning"})["ok"]
    assert camera.announced == ["warning"]
    assert ask(backend, 6, type="live.start", data={"rate_fps": 10, "for_s": 60})["ok"]
    assert ask(backend, 7, type="live.stop") == done
    assert ask(backend, 8, type="open.door") == {
        "ok": False, "data": {"reason": "unsupported", "detail": "open.door"},
    }  # fmt: skip
    assert not ask(backend, 9, type="update", data={"version": "2"})["ok"]
    assert camera.connection.connects == 1
    assert ask(backend, 10, type="reboot") == done
    assert backend.wait(
        lambda: (
            [event.type for device, event in backend.received if device == ID] == ["device.booted"]
        )
    )
    assert camera.connection.connects == 2


class Still:
    """One small picture for ever."""

    def at(self, t_s):
        return encode_jpeg(np.zeros((90, 160, 3), dtype=np.uint8))


def test_a_live_view_raises_the_rate_at_once(broker, backend):
    camera = DoorCamera(make_credentials(ID, broker.port), Still(), fps=0.01)
    camera.start()
    assert camera.wait_online(10)
    expires_at = datetime.now(UTC) + timedelta(seconds=30)
    backend.command(
        ID, id="live", type="live.start", data={"rate_fps": 10.0}, expires_at=expires_at
    )
    assert backend.wait(lambda: len(backend.of(ID, Kind.FRAME)) >= 10)
    camera.stop()
