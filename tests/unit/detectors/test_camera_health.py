"""Whole cameras with a fault: what is told with which pictures, what becomes of who is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.catalogue import CATALOGUE
from core.frames import Frame
from core.model import Finding
from core.objects import sha256_hex
from detectors import codec
from tests.unit.detectors.scene import (
    HEIGHT_PX,
    START_US,
    WIDTH_PX,
    MemoryStore,
    Scene,
    camera,
    play,
    types,
)

FPS = 5
Effect = Callable[[np.ndarray], np.ndarray]


def _covered(picture: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(int(picture.sum()))
    flat = np.linspace(60, 80, WIDTH_PX)[None, :] + rng.normal(0, 2, (HEIGHT_PX, WIDTH_PX))
    return np.asarray(flat, np.uint8)


def _blurred(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), 6)


def _moved(picture: np.ndarray) -> np.ndarray:
    return np.roll(picture, (24, 50), axis=(0, 1))


def _frames(
    scene: Scene, until_s: float, effect: Effect, from_s: float, to_s: float
) -> list[Frame]:
    made = []
    for frame in scene.frames(FPS, until_s):
        at_s = (frame.captured_at_us - START_US) / 1e6
        if from_s <= at_s < to_s:
            picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
            jpeg = cv2.imencode(".jpg", effect(picture), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
            made.append(replace(frame, jpeg=bytes(jpeg)))
        else:
            made.append(frame)
    return made


def _at_s(finding: Finding) -> float:
    return finding.at.timestamp() - START_US / 1e6


def test_a_covered_camera_is_told_with_the_picture_before_it_and_the_one_now() -> None:
    objects = MemoryStore()
    frames = _frames(Scene(), 45, _covered, 12.0, 30.0)
    covered, restored = play(camera(store=objects), frames)
    assert (covered.type, restored.type) == ("camera.covered", "camera.restored")
    assert CATALOGUE[covered.type].alarm
    assert CATALOGUE[restored.type].alarm
    assert 20.0 <= _at_s(covered) <= 27.0
    assert 34.0 <= _at_s(restored) <= 40.0
    assert covered.data["fault"] == restored.data["fault"] == "covered"
    assert restored.data["since"] == covered.data["since"]
    before, after = covered.evidence
    kept = {sha256_hex(frame.jpeg): frame for frame in frames}
    for picture in (before, after):
        assert sha256_hex(objects.get(picture.key)) == picture.sha256
        assert kept[picture.sha256].captured_at == picture.captured_at
    assert (before.captured_at.timestamp() - START_US / 1e6) < 12.0
    assert after.captured_at == covered.at
    assert restored.evidence == ()


def test_a_loiterer_who_covers_the_lens_and_stays_is_one_loiterer() -> None:
    frames = _frames(Scene(person=(8.0, 52.0)), 62, _covered, 19.0, 31.0)
    findings = play(camera(), frames)
    assert types(findings) == [
        "motion.started",
        "loiter.started",
        "camera.covered",
        "camera.restored",
        "loiter.updated",
        "loiter.ended",
        "motion.ended",
    ]
    assert findings[-2].data["dwell_s"] == pytest.approx(44.0, abs=0.6)


def test_who_has_gone_under_the_cover_is_ended_when_it_is_off() -> None:
    frames = _frames(Scene(person=(8.0, 26.0)), 60, _covered, 22.0, 40.0)
    findings = play(camera(), frames)
    assert types(findings)[:3] == ["motion.started", "loiter.started", "camera.covered"]
    assert sorted(types(findings)[3:]) == ["camera.restored", "loiter.ended", "motion.ended"]
    ended = next(one for one in findings if one.type == "loiter.ended")
    assert _at_s(ended) > 40.0
    assert ended.data["dwell_s"] <= 14.6  # what was seen, not what may have been


def test_a_cover_that_stays_ends_the_stay_after_a_minute() -> None:
    frames = _frames(Scene(person=(8.0, 26.0)), 95, _covered, 22.0, 95.0)
    findings = play(camera(), frames)
    assert types(findings) == [
        "motion.started",
        "loiter.started",
        "camera.covered",
        "loiter.ended",
        "motion.ended",
    ]


@pytest.mark.parametrize("effect", [_blurred, _moved])
def test_with_another_scene_before_it_the_camera_goes_on(effect: Effect) -> None:
    """Nobody is made by the change; who comes then is found; nobody is made by its end."""
    scene = Scene(person=(30.0, 46.0), person_x=0.4)
    findings = play(camera(), _frames(scene, 75, effect, 12.0, 54.0))
    fault = "camera.defocused" if effect is _blurred else "camera.moved"
    assert types(findings) == [
        fault,
        "motion.started",
        "loiter.started",
        "loiter.ended",
        "motion.ended",
        "camera.restored",
    ]
    assert findings[2].data["dwell_s"] == pytest.approx(10.0, abs=0.4)
    assert findings[5].data["reason"] == "as_before"
    assert _at_s(findings[5]) > 54.0


def test_the_scene_of_before_is_not_learnt_anew() -> None:
    """Somebody stands there when the cover comes off: they are seen at once, not learnt."""
    frames = _frames(Scene(person=(24.0, 60.0)), 70, _covered, 12.0, 28.0)
    findings = play(camera(), frames)
    started = next(one for one in findings if one.type == "motion.started")
    assert _at_s(started) <= 30.0
    assert "loiter.started" in types(findings)


def test_a_snapshot_in_the_midst_of_a_fault_changes_nothing() -> None:
    frames = _frames(Scene(person=(8.0, 52.0)), 62, _covered, 22.0, 38.0)
    straight = play(camera(), frames)
    for cut in (23 * FPS, 27 * FPS, 36 * FPS, 40 * FPS):
        first, second = camera(), camera()
        findings = play(first, frames[:cut])
        second.restore(codec.decode(codec.encode(first.state())))
        findings += play(second, frames[cut:])
        assert types(findings) == types(straight)
        for one, other in zip(findings, straight, strict=True):
            assert one.at == other.at
            assert one.data.get("dwell_s") == other.data.get("dwell_s")
