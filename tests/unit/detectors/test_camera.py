"""Whole cameras on drawn scenes: what is found, when, and what changes nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.frames import Frame
from core.objects import sha256_hex
from detectors.config import Window, Zone
from detectors.evidence import store
from tests.unit.detectors.scene import (
    START_US,
    MemoryStore,
    Scene,
    camera,
    frame,
    play,
    types,
)

VISIT = (8.0, 22.0)
LOITERER = Scene(person=VISIT)
STORY = ["motion.started", "loiter.started", "loiter.ended", "motion.ended"]
SLOW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _seconds(rfc3339: str) -> float:
    return datetime.fromisoformat(rfc3339).timestamp() - START_US / 1e6


def test_the_story_of_a_loiterer_with_its_picture() -> None:
    objects = MemoryStore()
    frames = LOITERER.frames(5, 30)
    findings = play(camera(store=objects), frames)
    assert types(findings) == STORY
    started = findings[1]
    assert started.data["threshold_s"] == 10.0
    assert started.data["dwell_s"] == pytest.approx(10.0, abs=0.3)
    assert _seconds(started.data["since"]) == pytest.approx(VISIT[0], abs=0.3)
    assert findings[2].data["dwell_s"] == pytest.approx(14.0, abs=0.3)
    (picture,) = started.evidence
    body = objects.get(picture.key)
    assert picture.sha256 == sha256_hex(body)
    assert picture.key == f"evidence/{started.device_id}/{picture.sha256}.jpg"
    assert picture.size_bytes == len(body)
    assert picture.captured_at in {one.captured_at for one in frames if one.jpeg == body}
    box = started.data["box"]
    assert box["x"] < 0.5 < box["x"] + box["w"]
    assert box["y"] < 0.3
    assert box["y"] + box["h"] > 0.9


@SLOW
@given(st.integers(1, 15), st.floats(0.0, 0.99))
def test_dwell_does_not_depend_on_the_frame_rate(fps: int, phase_s: float) -> None:
    scene = Scene(person=(7.0 + phase_s, 20.0 + phase_s))
    findings = play(camera(), scene.frames(fps, 28))
    assert types(findings) == STORY
    assert abs(_seconds(findings[1].data["since"]) - 7.0 - phase_s) <= 0.5
    assert findings[2].data["dwell_s"] == pytest.approx(13.0, abs=0.5)
    at_s = findings[1].at.timestamp() - START_US / 1e6
    assert -0.5 <= at_s - (17.0 + phase_s) <= 1.0 / fps + 0.1


@SLOW
@given(st.integers(0, 2**32 - 1))
@example(826)
def test_lost_late_doubled_and_reordered_frames_change_no_dwell(seed: int) -> None:
    chance = random.Random(seed)
    frames = [one for one in LOITERER.frames(5, 30) if chance.random() > 0.2]
    frames = [one for one in frames for _ in range(1 + (chance.random() < 0.2))]
    places = {id(one): at + chance.uniform(0, 3) for at, one in enumerate(frames)}
    order = sorted(frames, key=lambda one: places[id(one)])
    findings = play(camera(), order)
    assert types(findings) == STORY
    assert findings[2].data["dwell_s"] == pytest.approx(14.0, abs=1.3)  # six lost in a row
    # where six in a row are lost as they leave, nobody can know when they left: what counts is
    # the time between the first and the last picture of them that came before a later one
    newest = accumulate((one.captured_at_us for one in order), max)
    seen_s = [
        (at_us - START_US) / 1e6
        for one, at_us in zip(order, newest, strict=True)
        if one.captured_at_us == at_us
    ]
    shown_s = [at_s for at_s in seen_s if VISIT[0] <= at_s < VISIT[1]]
    assert findings[2].data["dwell_s"] == pytest.approx(shown_s[-1] - shown_s[0], abs=0.9)


def _state(watched) -> tuple:
    tracks = [(t.number, t.box, t.seen_us, t.visit.state) for t in watched.tracks]
    return tracks, {k: v for k, v in watched.counters.items() if k != "bad_jpegs"}


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5), st.booleans())
def test_any_bytes_as_a_frame_change_nothing_but_a_counter(
    bodies: list[bytes], like_a_jpeg: bool
) -> None:
    watched = camera()
    play(watched, Scene(person=(3.0, 9.0)).frames(5, 5))
    before = _state(watched)
    for number, body in enumerate(bodies):
        jpeg = b"\xff\xd8\xff" + body if like_a_jpeg else body
        assert watched.feed(frame(100 + number, 5.0 + number, jpeg)) == []
    assert _state(watched) == before
    assert watched.counters["bad_jpegs"] == len(bodies)


@pytest.mark.parametrize("shift_s", [-86_400.0, -7.0, 7.0, 86_400.0])
def test_a_jump_of_the_clock_invents_no_dwell(shift_s: float) -> None:
    frames = Scene(person=(7.0, 99.0)).frames(5, 21)
    jumped = [
        Frame(
            one.number,
            one.captured_at_us + (int(shift_s * 1e6) if number >= 14 * 5 else 0),
            one.infrared,
            one.motion,
            one.jpeg,
        )
        for number, one in enumerate(frames)
    ]
    watched = camera()
    findings = play(watched, jumped)
    assert "loiter.started" not in types(findings)
    assert watched.counters["jumps"] == 1


def test_an_outage_ends_what_was_going_on() -> None:
    watched = camera()
    findings = play(watched, Scene(person=(7.0, 99.0)).frames(5, 20))
    assert types(findings) == STORY[:2]
    newest_us = START_US + int(19.8e6)
    assert watched.idle(newest_us + 11_000_000) == []
    (silent,) = watched.idle(newest_us + 14_000_000)
    assert (silent.type, silent.data["fault"]) == ("camera.frozen", "no_frames")
    ended = watched.idle(newest_us + 16_000_000)
    assert types(ended) == STORY[2:]
    assert ended[0].data["dwell_s"] == pytest.approx(12.8, abs=0.3)
    assert watched.idle(newest_us + 19_000_000) == []


def test_a_parcel_left_and_taken_away_is_an_object_and_no_loiterer() -> None:
    scene = Scene(person=(7.0, 12.0), parcel=(10.0, 50.0))
    watched = camera()
    findings = play(watched, scene.frames(5, 58))
    assert types(findings) == ["motion.started", "object.left", "motion.ended", "object.removed"]
    _, left, _, removed = findings
    assert left.data == removed.data
    assert _seconds(left.data["since"]) == pytest.approx(12.0, abs=2.5)
    assert removed.at.timestamp() - START_US / 1e6 == pytest.approx(50.0, abs=2.0)
    box = left.data["box"]
    assert box["x"] < 440 / 640 < box["x"] + box["w"]
    assert watched.counters["objects"] == 1
    assert watched.tracks == ()


def test_what_stood_there_when_the_camera_started_leaves_no_loitering_hole() -> None:
    watched = camera()
    findings = play(watched, Scene(person=(0.0, 6.0)).frames(5, 40))
    assert "loiter.started" not in types(findings)


def test_the_hole_of_who_stood_there_at_the_start_is_nobody_and_heals() -> None:
    watched = camera()
    for one in Scene(person=(0.0, 6.0), lives=False).frames(5, 7.6):
        assert watched.feed(one) == []
        assert watched.tracks == ()
    assert watched.counters["ghosts"] >= 1
    assert watched.tracks == ()


def test_somebody_who_falls_and_lies_still_is_not_forgotten() -> None:
    """Motionless for a minute: still there, still loitering, no thing."""
    watched = camera()
    findings = play(watched, Scene(person=(7.0, 99.0), still_from_s=14.0).frames(2, 75))
    assert types(findings) == ["motion.started", "loiter.started", "loiter.updated"]
    assert watched.counters["objects"] == 0
    assert len(watched.tracks) == 1


def test_a_figure_that_never_lived_is_a_thing() -> None:
    watched = camera()
    findings = play(watched, Scene(person=(7.0, 99.0), lives=False).frames(5, 40))
    assert "loiter.started" not in types(findings)
    assert watched.counters["objects"] == 1
    assert watched.tracks == ()


def test_the_first_switch_to_infrared_keeps_who_is_there() -> None:
    frames = [
        Frame(f.number, f.captured_at_us, infrared=f.captured_at_us >= START_US + 13_000_000,
              motion=False, jpeg=f.jpeg)
        for f in LOITERER.frames(5, 30)
    ]  # fmt: skip
    findings = play(camera(), frames)
    assert types(findings) == STORY
    assert findings[2].data["dwell_s"] == pytest.approx(14.0, abs=0.5)


def _mirrored(one: Frame) -> Frame:
    picture = cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    jpeg = bytes(cv2.imencode(".jpg", cv2.flip(picture, 1), [cv2.IMWRITE_JPEG_QUALITY, 95])[1])
    return Frame(one.number, one.captured_at_us, one.infrared, one.motion, jpeg)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.builds(
        Scene,
        person=st.tuples(st.floats(6.0, 9.0), st.floats(18.0, 22.0)),
        person_x=st.floats(0.15, 0.6),
        speed=st.sampled_from([0.0, 0.0, 0.015]),
        parcel=st.sampled_from([None, (10.0, 99.0)]),
    )
)
@example(LOITERER)
@example(Scene(person=(8.0, 13.5), person_x=-0.1, speed=0.22))
def test_mirrored_video_gives_mirrored_findings(scene: Scene) -> None:
    frames = scene.frames(5, 26)
    straight = play(camera(), frames)
    mirrored = play(camera(), [_mirrored(one) for one in frames])
    assert types(mirrored) == types(straight)
    for one, other in zip(straight, mirrored, strict=True):
        assert abs((one.at - other.at).total_seconds()) <= 0.4
        if "box" in one.data:
            box, turned = one.data["box"], other.data["box"]
            assert turned["x"] + turned["w"] / 2 == pytest.approx(
                1 - box["x"] - box["w"] / 2, abs=0.06
            )


def test_nothing_is_reported_while_the_scene_is_learnt() -> None:
    assert play(camera(), Scene(person=(1.0, 2.4)).frames(5, 2.4)) == []


def test_switching_the_light_makes_nobody() -> None:
    scene = Scene(dark=(8.0, 14.0))
    assert play(camera(), scene.frames(5, 22)) == []


def test_switching_the_light_keeps_the_dwell_of_who_is_there() -> None:
    findings = play(camera(), Scene(person=VISIT, dark=(11.0, 15.0)).frames(5, 30))
    assert types(findings) == STORY
    assert findings[2].data["dwell_s"] == pytest.approx(14.0, abs=0.5)


def test_somebody_passing_moves_and_does_not_loiter() -> None:
    scene = Scene(person=(8.0, 13.5), person_x=-0.1, speed=0.22)
    assert types(play(camera(), scene.frames(5, 25))) == ["motion.started", "motion.ended"]


def test_only_the_door_zone_counts() -> None:
    left = ((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0))
    middle = ((0.3, 0.5), (0.7, 0.5), (0.7, 1.0), (0.3, 1.0))
    frames = LOITERER.frames(5, 30)
    assert "loiter.started" not in types(play(camera(zones=(Zone("left", left),)), frames))
    findings = play(camera(zones=(Zone("left", left), Zone("door", middle))), frames)
    started = next(one for one in findings if one.type == "loiter.started")
    assert started.data["zone"] == "door"


def test_a_zone_has_its_own_time_and_height() -> None:
    frames = LOITERER.frames(5, 24)  # there for 14 s; T is 10 s elsewhere
    patient = play(camera(zones=(Zone("garden", after_s=60.0),)), frames)
    assert "loiter.started" not in types(patient)
    giants = play(camera(zones=(Zone("shelf", min_height=0.95),)), frames)
    assert giants == []


def test_after_hours_and_high_risk_shorten_the_time() -> None:
    frames = LOITERER.frames(5, 24)
    at = frames[0].captured_at.astimezone(ZoneInfo("Asia/Seoul"))
    hour = (at.replace(minute=0), at.replace(minute=0) + timedelta(hours=1))
    window = Window(hour[0].time(), hour[1].time(), 10.0, tuple(range(7)))
    given = {"after_s": 60.0, "timezone": "Asia/Seoul"}
    night = play(camera(**given, windows=(window,)), frames)
    assert [one.data["threshold_s"] for one in night if one.type == "loiter.started"] == [10.0]
    day = replace(window, start=hour[1].time(), end=hour[0].time())
    assert "loiter.started" not in types(play(camera(**given, windows=(day,)), frames))
    assert "loiter.started" in types(play(camera(**given, high_risk_after_s=10.0), frames))


def test_what_is_switched_off_is_not_reported() -> None:
    frames = LOITERER.frames(5, 30)
    assert types(play(camera(motion=False), frames)) == ["loiter.started", "loiter.ended"]
    assert types(play(camera(loiter=False), frames)) == ["motion.started", "motion.ended"]
    told = []
    for health in (True, False):
        watched = camera(health=health)
        play(watched, Scene().frames(5, 20))
        told.append(types(watched.idle(START_US + 45_000_000)))
    assert told == [["camera.frozen"], []]


def test_behind_a_mask_nobody_is_seen_and_nothing_is_kept() -> None:
    around = ((0.3, 0.0), (0.7, 0.0), (0.7, 1.0), (0.3, 1.0))
    scene = Scene(person=VISIT, dark=(11.0, 15.0))
    assert play(camera(masks=(around,)), scene.frames(5, 30)) == []
    away = ((0.0, 0.0), (0.3, 0.0), (0.3, 0.6), (0.0, 0.6))
    assert types(play(camera(masks=(away,)), scene.frames(5, 30))) == STORY


def test_a_camera_that_changes_its_resolution_starts_anew() -> None:
    watched = camera()
    play(watched, LOITERER.frames(5, 12))
    other = bytes(cv2.imencode(".jpg", np.full((240, 320), 90, np.uint8))[1])
    assert types(watched.feed(frame(61, 12.2, other))) == ["motion.ended"]


@pytest.mark.parametrize(("failures", "stored"), [(0, True), (2, True), (99, False)])
def test_a_finding_outlives_the_object_store(failures: int, stored: bool) -> None:
    objects = MemoryStore(failures)
    watched = camera(store=objects)
    findings = play(watched, LOITERER.frames(5, 30))
    assert types(findings) == STORY
    assert bool(findings[1].evidence) is stored
    assert ("evidence_missing" in findings[1].data) is not stored
    assert watched.counters["no_evidence"] == (0 if stored else 1)
    assert objects.attempts == min(failures + 1, 3)


def test_the_store_is_asked_again_after_growing_pauses() -> None:
    pauses: list[float] = []
    one = frame(1, 0.0, b"\xff\xd8\xff")
    assert store(MemoryStore(9), "cam-test-01", one, pause=pauses.append) is None
    assert pauses == pytest.approx([0.1, 0.2])
