"""The detector on real video with ground truth."""

from __future__ import annotations

from functools import cache

import pytest

from core.frames import Frame
from core.model import Finding
from detectors.camera import Camera
from detectors.config import CameraConfig
from simulators.perturbation import Perturbation
from simulators.replay import Replay
from tests.integration.detectors import footage
from tests.unit.detectors.scene import MemoryStore

pytestmark = [pytest.mark.footage, footage.needed]
T_S = 10.0


@cache
def _pictures(name: str) -> list[bytes]:
    return footage.jpegs(name)


def _play(
    name: str, fps: float, empty_s: float = 0.0, **config
) -> tuple[Camera, list[tuple[int, Finding]]]:
    camera = Camera("cam-door-01", CameraConfig(loiter_after_s=T_S, **config), MemoryStore())
    file_fps = footage.truth(name)["fps"]
    findings = [
        (at, finding)
        for at, frame in footage.replay(_pictures(name), file_fps, fps, empty_s)
        for finding in camera.feed(frame)
    ]
    return camera, findings


@pytest.mark.parametrize("empty_s", [40.0, 8.0])
@pytest.mark.parametrize("fps", [5.0, 2.0, 1.0])
def test_all_six_visits_are_found_and_nobody_else(fps: float, empty_s: float) -> None:
    visits = footage.truth("table-visits.mp4")
    _, findings = _play("table-visits.mp4", fps, empty_s)
    started = [(at, finding) for at, finding in findings if finding.type == "loiter.started"]
    assert len(started) == len(visits["presence_ge_10s"]) == 6
    for number, (at, finding) in zip(visits["presence_ge_10s"], started, strict=True):
        person = visits["persons"][number - 1]
        delay_s = (at - person["enter"]) / visits["fps"] - T_S
        assert -1.0 <= delay_s <= 1.0
        x, _, w, _ = visits["still_box_xywh_median"][number - 1]
        middle = (x + w / 2) / visits["size"][0]
        box = finding.data["box"]
        assert box["x"] < middle < box["x"] + box["w"]
        assert len(finding.evidence) == 1


def test_each_visit_is_a_motion_of_its_own() -> None:
    _, findings = _play("table-visits.mp4", 5.0, 8.0)
    names = [finding.type for _, finding in findings]
    assert names == ["motion.started", "loiter.started", "loiter.ended", "motion.ended"] * 6


@pytest.mark.parametrize("fps", [12.0, 5.0])
def test_exposure_steps_and_wind_are_nobody(fps: float) -> None:
    _, findings = _play("brightness-change.avi", fps)
    assert findings == []


@pytest.mark.parametrize("name", ["headlights", "local_lamp", "hard_shadow", "infrared"])
def test_light_neither_hides_nor_makes_visitors(name: str) -> None:
    """At 5 frames a second and the working size of Full HD, from a picture a quarter as large."""
    visits = footage.truth("table-visits.mp4")
    film = Replay(
        footage.FOLDER / "table-visits.mp4",
        lead_in_s=20.0,
        size=(960, 540),
        perturb=Perturbation(name, 1),
    )
    camera = Camera("cam-door-01", CameraConfig(loiter_after_s=T_S), MemoryStore())
    alarms_s: list[float] = []
    number = 0
    while (jpeg := film.at(number / 5.0)) is not None:
        at_s = number / 5.0
        at_us = footage.START_US + round(at_s * 1e6)
        frame = Frame(number, at_us, infrared=film.infrared(at_s), motion=False, jpeg=jpeg)
        said = camera.feed(frame)
        alarms_s += [at_s - 20.0 for finding in said if finding.type == "loiter.started"]
        number += 1
    film.close()
    due_s = [person["enter"] / visits["fps"] + T_S for person in visits["persons"]]
    assert alarms_s == pytest.approx(due_s, abs=1.2)


def test_a_crowd_is_followed_without_stumbling() -> None:
    camera, findings = _play("vtest-walkers.avi", 5.0, min_height=0.12)
    assert camera.counters["frames"] == 397
    assert camera.counters["bad_jpegs"] == 0
    assert "motion.started" in {finding.type for _, finding in findings}
