"""A restart in the middle: the same findings as without, and nobody reads the file."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import DecodeError
from core.frames import Frame
from core.model import Finding
from detectors import codec
from detectors import snapshots as snapshots_module
from detectors.camera import Camera
from detectors.snapshots import TOO_OLD_S, Snapshots
from tests.conftest import ManualClock
from tests.unit.detectors.scene import DEVICE, Scene, camera, frame, play, types

KEY = "k" * 32
FPS, UNTIL_S = 4, 40
CORNER = ((0.0, 0.0), (0.25, 0.0), (0.25, 0.5), (0.0, 0.5))


def _day() -> list[Frame]:
    return Scene(person=(7.0, 28.0), parcel=(5.0, 99.0), dark=(11.0, 15.0)).frames(FPS, UNTIL_S)


def _infrared() -> list[Frame]:
    scene = Scene(person=(9.0, 30.0), still_from_s=20.0)
    return [
        frame(n, n / FPS, scene.jpeg(n / FPS), infrared=n / FPS >= 14) for n in range(UNTIL_S * FPS)
    ]


SCENES: dict[str, tuple[Callable[[], list[Frame]], dict[str, object]]] = {
    "day": (_day, {}),
    "infrared": (_infrared, {}),
    "masked": (_day, {"masks": (CORNER,)}),
}


@cache
def _frames(name: str) -> list[Frame]:
    return SCENES[name][0]()


def _made(name: str) -> Camera:
    return camera(**SCENES[name][1])


def _told(findings: list[Finding]) -> list[tuple[str, object, dict[str, object]]]:
    """What a finding says, but for its picture: pictures are not on disk."""
    return [
        (one.type, one.at, {k: v for k, v in one.data.items() if k != "box"}) for one in findings
    ]


@cache
def _uncut(name: str) -> list[tuple[str, object, dict[str, object]]]:
    return _told(play(_made(name), _frames(name)))


@pytest.mark.parametrize("name", SCENES)
def test_the_scenes_tell_something(name: str) -> None:
    said = [kind for kind, _, _ in _uncut(name)]
    people = [kind for kind in said if not kind.startswith("object.")]
    assert people == ["motion.started", "loiter.started", "loiter.ended", "motion.ended"]
    assert said.count("object.left") == (name != "infrared")  # the parcel


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(SCENES)), cut=st.integers(0, UNTIL_S * FPS - 1))
def test_a_snapshot_in_the_middle_changes_no_finding(name: str, cut: int) -> None:
    before = _made(name)
    findings = play(before, _frames(name)[:cut])
    after = camera()
    after.restore(codec.decode(codec.encode(before.state())))
    findings += play(after, _frames(name)[cut:])
    assert _told(findings) == _uncut(name)


def test_every_stage_can_be_kept_at_every_moment() -> None:
    """A new field of a stage that the codec cannot carry fails here."""
    for name in SCENES:
        watched = _made(name)
        for one in _frames(name):
            watched.feed(one)
            if one.number % 10 == 0:
                codec.encode(watched.state())
        assert set(watched.state()) == set(_made(name).state())


@pytest.mark.parametrize("away_s", [6.0, 12.0])
def test_a_loiterer_is_not_forgotten_through_a_restart(away_s: float) -> None:
    scene = Scene(person=(7.0, 60.0))
    watched = camera(after_s=30.0)
    frames = scene.frames(FPS, 70)
    cut = 20 * FPS
    assert types(play(watched, frames[:cut])) == ["motion.started"]
    after = camera()
    after.restore(codec.decode(codec.encode(watched.state())))
    findings = play(after, frames[cut + int(away_s * FPS) :])
    started = findings[0]
    assert started.type == "loiter.started"
    assert started.data["dwell_s"] == pytest.approx(30.0, abs=1.0)
    assert types(findings) == ["loiter.started", "loiter.ended", "motion.ended"]


def test_who_left_meanwhile_is_gone() -> None:
    watched = camera()
    frames = Scene(person=(7.0, 22.0)).frames(FPS, 50)
    play(watched, frames[: 20 * FPS])
    after = camera()
    after.restore(codec.decode(codec.encode(watched.state())))
    assert types(play(after, frames[35 * FPS :])) == ["loiter.ended", "motion.ended"]


def test_a_long_outage_ends_the_stay_and_keeps_the_scene() -> None:
    watched = camera()
    frames = Scene(person=(7.0, 120.0)).frames(FPS, 110)
    play(watched, frames[: 20 * FPS])
    after = camera()
    after.restore(codec.decode(codec.encode(watched.state())))
    findings = play(after, frames[90 * FPS :])
    assert types(findings)[:2] == ["loiter.ended", "motion.ended"]
    assert "loiter.started" in types(findings[2:])  # seen at once: nothing is learnt anew


def test_a_state_of_another_version_is_refused() -> None:
    state = camera().state()
    with pytest.raises(DecodeError, match="another version"):
        camera().restore({**state, "_new_stage": None})
    del state["_people"]
    with pytest.raises(DecodeError, match="another version"):
        camera().restore(state)


@pytest.fixture
def kept(tmp_path: Path, clock: ManualClock) -> Snapshots:
    snapshots = Snapshots(tmp_path / "cameras", KEY, clock)
    finding = Finding(DEVICE, "loiter.started", clock.now(), {"dwell_s": 10.0}, seq=7)
    snapshots.start()
    snapshots.save(DEVICE, camera().state(), 123, [finding])
    snapshots.stop(5)
    return snapshots


def test_the_file_is_ours_alone_and_sealed(kept: Snapshots, tmp_path: Path) -> None:
    (file,) = (tmp_path / "cameras").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert b"loiter" not in file.read_bytes()
    read = kept.load(DEVICE)
    assert read is not None
    assert (read.captured_us, read.findings[0].seq, read.age_s) == (123, 7, 0.0)
    assert read.findings[0].data == {"dwell_s": 10.0}
    camera().restore(read.state)


def test_a_damaged_foreign_or_old_file_is_ignored_loudly(
    kept: Snapshots, tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cameras"
    file = folder / f"{DEVICE}.camera"
    sealed = file.read_bytes()
    assert Snapshots(folder, "o" * 32, clock).load(DEVICE) is None
    for damaged in (sealed[:-1], sealed[: len(sealed) // 2], b"", b"\x80\x04\x95pickle", b"x" * 99):
        file.write_bytes(damaged)
        assert kept.load(DEVICE) is None
    (folder / "cam-other-01.camera").write_bytes(sealed)
    assert kept.load("cam-other-01") is None
    said = capsys.readouterr()
    assert (said.out + said.err).count("snapshot ignored") == 7
    file.write_bytes(sealed)
    clock.advance(TOO_OLD_S + 1)
    assert kept.load(DEVICE) is None
    assert kept.load("cam-never-01") is None


def test_what_nobody_will_go_on_from_is_deleted(
    kept: Snapshots, tmp_path: Path, clock: ManualClock
) -> None:
    folder = tmp_path / "cameras"
    (folder / "cam-torn-01.7.part").write_bytes(b"x")
    (folder / "README").write_text("somebody's")
    written = (folder / f"{DEVICE}.camera").stat().st_mtime
    clock.advance(written - clock.now().timestamp() + TOO_OLD_S - 60)
    assert kept.sweep() == 0
    clock.advance(120)
    assert kept.sweep() == 2
    assert [one.name for one in folder.iterdir()] == ["README"]


def test_of_many_at_once_none_is_given_up_where_there_is_time(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots_module, "_MOST_WAITING", 2)
    snapshots = Snapshots(tmp_path / "cameras", KEY, clock)
    state = camera().state()
    for number in range(3):
        snapshots.save(f"cam-door-{number}", state, 0, [])
    assert snapshots.failed == 1  # nothing is written yet
    snapshots.start()
    for number in range(3, 12):
        snapshots.save(f"cam-door-{number}", state, 0, [], patient=True)
    snapshots.stop(10)
    assert (snapshots.saved, snapshots.failed) == (11, 1)
