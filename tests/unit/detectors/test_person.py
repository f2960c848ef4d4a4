"""The person check: real models by both engines, and what their answers do to an alarm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigurationError
from core.model import Finding
from detectors import codec, person_model
from detectors.camera import Camera
from detectors.config import CameraConfig
from detectors.person_model import Image, PersonModel, Seen, letterbox, load
from tests.unit.detectors import onnx_files
from tests.unit.detectors.scene import DEVICE, MemoryStore, Scene, play, types

ENGINES = ["onnxruntime", "opencv"]
GIVEN = {"person": 0, "least": 0.3, "side_px": onnx_files.SIDE}
WHITE, BLACK = np.full((100, 200, 3), 255, np.uint8), np.zeros((100, 200, 3), np.uint8)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layout", ["yolo", "yolo-objectness", "ssd"])
def test_people_are_found_where_they_are(tmp_path: Path, engine: str, layout: str) -> None:
    make = {"yolo": onnx_files.yolo, "yolo-objectness": onnx_files.yolo_objectness}
    path = make.get(layout, onnx_files.ssd)(tmp_path / "model.onnx")
    given = {**GIVEN, "person": 1} if layout == "ssd" else GIVEN
    model = load(path, layout, engine=engine, **given)
    (seen,) = model.find(WHITE)
    # the middle half of a 64 x 64 input, in a picture letterboxed by 0.32 with 16 px above
    assert (seen.x, seen.y) == (pytest.approx(50), pytest.approx(0, abs=0.5))
    assert (seen.w, seen.h) == (pytest.approx(100), pytest.approx(100))
    half_grey = (1.0 + 114 / 255) / 2  # the other half of the input is padding
    expected = {"yolo": half_grey, "yolo-objectness": half_grey / 2, "ssd": half_grey * 2 - 1}
    assert seen.score == pytest.approx(expected[layout], abs=0.01)
    assert model.find(BLACK) == []


def test_the_engines_agree(tmp_path: Path) -> None:
    path = onnx_files.yolo(tmp_path / "model.onnx")
    rng = np.random.default_rng(3)
    one, other = (load(path, "yolo", engine=engine, **GIVEN) for engine in ENGINES)
    for _ in range(5):
        image = rng.integers(100, 255, (90, 70, 3)).astype(np.uint8)
        a, b = one.find(image)[0], other.find(image)[0]
        assert a.score == pytest.approx(b.score, abs=0.01)  # OpenCV sums in another order


def test_only_the_class_of_people_counts(tmp_path: Path) -> None:
    path = onnx_files.yolo(tmp_path / "model.onnx", classes=4, person=2)
    assert load(path, "yolo", **{**GIVEN, "person": 2}).find(WHITE)
    assert load(path, "yolo", **{**GIVEN, "person": 1}).find(WHITE) == []


def test_channels_may_come_last(tmp_path: Path) -> None:
    path = onnx_files.yolo(tmp_path / "model.onnx", last=True)
    assert load(path, "yolo", engine="onnxruntime", **GIVEN).find(WHITE)


def test_the_engine_that_is_there_is_taken(tmp_path: Path, monkeypatch) -> None:
    path = onnx_files.yolo(tmp_path / "model.onnx")
    monkeypatch.setattr(person_model, "find_spec", lambda _name: None)
    assert type(load(path, "yolo", **GIVEN)._runner).__name__ == "_OpenCV"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bad_file_is_a_clear_error_at_the_start(tmp_path: Path, engine: str) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        load(tmp_path / "none.onnx", "yolo", engine=engine, **GIVEN)
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    with pytest.raises(ConfigurationError, match="no ONNX model"):
        load(bad, "yolo", engine=engine, **GIVEN)
    good = onnx_files.yolo(tmp_path / "model.onnx")
    with pytest.raises(ConfigurationError, match="is not ssd"):
        load(good, "ssd", engine=engine, **GIVEN)
    with pytest.raises(ConfigurationError, match="with a class 9"):
        load(good, "yolo", engine=engine, **{**GIVEN, "person": 9})


def test_a_picture_is_scaled_evenly_and_padded() -> None:
    padded, scale, left, top = letterbox(WHITE, (64, 64))
    assert (scale, left, top) == (pytest.approx(0.32), 0, 16)
    assert padded.shape == (64, 64, 3)
    assert (padded[0, 0, 0], padded[32, 32, 0]) == (person_model.PAD, 255)


class Finder:
    """Answers as it is told: a person in the whole part or nobody; or it breaks."""

    def __init__(self, *answers: bool | None) -> None:
        self.answers = list(answers)
        self.asked = 0

    def find(self, image: Image) -> list[Seen]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if answer is None:
            raise RuntimeError("the model broke")
        return [Seen(0.9, 0, 0, image.shape[1], image.shape[0])] if answer else []


def _watched(finder: Finder | PersonModel) -> Camera:
    return Camera(DEVICE, CameraConfig(loiter_after_s=10.0), MemoryStore(), finder)


def _started(findings: list[Finding]) -> Finding:
    return next(one for one in findings if one.type == "loiter.started")


LOITERER = Scene(person=(8.0, 36.0))
STORY = ["motion.started", "loiter.started", "loiter.ended", "motion.ended"]


def test_who_is_seen_is_reported_at_once() -> None:
    finder = Finder(True)
    watched = _watched(finder)
    findings = play(watched, LOITERER.frames(5, 45))
    assert types(findings) == STORY
    started = _started(findings)
    assert started.data["person"] == "confirmed"
    assert started.data["dwell_s"] == pytest.approx(10.0, abs=0.5)
    # when settled, at the alarm, and every 5 s until they leave
    assert 5 <= finder.asked <= 7
    assert watched.counters["persons_asked"] == finder.asked


def test_a_doubted_alarm_is_held_and_never_taken() -> None:
    findings = play(_watched(Finder(False)), LOITERER.frames(5, 45))
    assert types(findings) == STORY
    started = _started(findings)
    assert started.data["person"] == "unconfirmed"
    assert started.data["dwell_s"] == pytest.approx(20.0, abs=0.5)


def test_an_alarm_goes_out_when_somebody_is_seen_after_all() -> None:
    findings = play(_watched(Finder(False, False, True)), LOITERER.frames(5, 45))
    started = _started(findings)
    assert started.data["person"] == "confirmed"
    assert started.data["dwell_s"] == pytest.approx(15.0, abs=0.5)


def test_who_leaves_while_the_alarm_is_held_is_reported_all_the_same() -> None:
    findings = play(_watched(Finder(False)), Scene(person=(8.0, 21.0)).frames(5, 35))
    assert types(findings) == STORY
    assert _started(findings).data["person"] == "unconfirmed"


def test_a_model_that_fails_delays_nothing() -> None:
    watched = _watched(Finder(None))
    findings = play(watched, LOITERER.frames(5, 45))
    started = _started(findings)
    assert started.data["person"] == "unchecked"
    assert started.data["dwell_s"] == pytest.approx(10.0, abs=0.5)
    assert watched.counters["persons_failed"] == watched.counters["persons_asked"] > 0


def test_a_gap_while_the_alarm_is_held_reports_it() -> None:
    frames = LOITERER.frames(5, 45)
    watched = _watched(Finder(False))
    findings = play(watched, frames[: 22 * 5])
    assert types(findings) == ["motion.started"]
    findings = play(watched, frames[42 * 5 :])
    assert types(findings)[:2] == ["loiter.started", "loiter.ended"]


def test_a_held_alarm_outlives_a_restart() -> None:
    frames = LOITERER.frames(5, 45)
    first = _watched(Finder(False))
    play(first, frames[: 22 * 5])
    second = _watched(Finder(False))
    second.restore(codec.decode(codec.encode(first.state())))
    findings = play(second, frames[22 * 5 :])
    assert types(findings) == STORY[1:]
    assert _started(findings).data["dwell_s"] == pytest.approx(20.0, abs=0.5)


def test_a_real_model_sees_the_masked_picture_alone(tmp_path: Path) -> None:
    path = onnx_files.yolo(tmp_path / "model.onnx")
    model = load(path, "yolo", **{**GIVEN, "least": 0.05})
    shown: list[Image] = []

    class Spy:
        def find(self, image: Image) -> list[Seen]:
            shown.append(image)
            return model.find(image)

    corner = ((0.0, 0.0), (0.45, 0.0), (0.45, 0.3), (0.0, 0.3))
    watched = Camera(
        DEVICE, CameraConfig(loiter_after_s=10.0, masks=(corner,)), MemoryStore(), Spy()
    )
    findings = play(watched, LOITERER.frames(5, 45))
    assert _started(findings).data["person"] == "confirmed"
    assert shown[0][:20, :20].max() == 0
