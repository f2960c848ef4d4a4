"""What comes back to where it was is no life: balloons on their strings, and people who are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.frames import Frame
from detectors import codec
from detectors.background import Plane
from detectors.blobs import Box
from detectors.decode import Grey
from detectors.sway import Recent, Sway
from simulators.rendered import RenderedScene
from tests.unit.detectors.scene import START_US, Scene, camera, play, types

SHAPE = (135, 240)
LIMIT: Plane = np.full(SHAPE, 169.0, np.float32)
FPS = 5


def _drawn(turn_deg: float, *, arm_px: int = 0) -> tuple[Grey, Grey]:
    """Return a picture and its mask: a figure of 70 px turned about its foot; `arm_px` is
    how far a part of it was moved by itself.
    """
    ground = np.random.default_rng(3).integers(80, 160, (27, 48)).astype(np.uint8)
    picture = cv2.resize(ground, SHAPE[::-1], interpolation=cv2.INTER_LINEAR)
    layer, mask = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    for canvas, shades in ((layer, (40, 230, 140)), (mask, (255, 255, 255))):
        cv2.ellipse(canvas, (120, 60), (22, 35), 0, 0, 360, shades[0], -1)
        cv2.rectangle(canvas, (110, 40), (126, 50), shades[1], -1)
        cv2.rectangle(canvas, (106 + arm_px, 56), (120 + arm_px, 86), shades[2], -1)
    way = cv2.getRotationMatrix2D((120, 130), turn_deg, 1.0)
    layer, mask = (cv2.warpAffine(one, way, SHAPE[::-1]) for one in (layer, mask))
    picture[mask > 127] = layer[mask > 127]
    return picture, np.where(mask > 127, 255, 0).astype(np.uint8)


def _unlike(recent: Recent, at_s: float, picture: Grey, mask: Grey) -> float | None:
    x, y, w, h = cv2.boundingRect(mask)
    return recent.unlike(round(at_s * 1e6), picture, LIMIT, mask, Box(x, y, w, h))


def _recent(*turns_deg: float, arms_px: tuple[int, ...] = ()) -> Recent:
    """Return the memory of one picture a second."""
    recent = Recent()
    for at_s, turn_deg in enumerate(turns_deg):
        arm_px = arms_px[at_s] if arms_px else 0
        recent.add(at_s * 1_000_000, _drawn(turn_deg, arm_px=arm_px)[0])
    return recent


def test_what_is_back_where_it_was_differs_in_nothing() -> None:
    recent = _recent(-8, 0, 8, 0, -8)
    assert _unlike(recent, 5.0, *_drawn(8)) == 0.0
    assert (_unlike(recent, 5.0, *_drawn(20)) or 0.0) > 0.1


def test_who_moves_a_part_of_themselves_is_not_back() -> None:
    recent = _recent(-8, 0, 8, 0, -8, arms_px=(0, 2, 4, 6, 8))
    assert (_unlike(recent, 5.0, *_drawn(8, arm_px=12)) or 0.0) > 0.1


def test_the_lights_own_step_makes_no_difference() -> None:
    recent = _recent(-8, 0, 8)
    picture, mask = _drawn(8)
    assert _unlike(recent, 4.0, cv2.add(picture, 25), mask) == 0.0  # type: ignore[arg-type]


def test_a_picture_less_than_a_second_old_proves_nothing() -> None:
    recent = _recent(0)
    assert _unlike(recent, 0.9, *_drawn(0)) is None
    assert _unlike(recent, 1.0, *_drawn(0)) == 0.0
    recent.clear()
    assert _unlike(recent, 1.0, *_drawn(0)) is None


def test_ten_seconds_are_remembered_whatever_the_frame_rate() -> None:
    picture, mask = _drawn(8)
    other, _ = _drawn(0)
    recent = Recent()
    recent.add(0, picture)
    for number in range(1, 151):
        recent.add(round(number * 1e6 / 15), other)
    assert _unlike(recent, 10.0, picture, mask) == 0.0
    recent.add(10_200_000, other)
    assert (_unlike(recent, 10.2, picture, mask) or 0.0) > 0.1


@pytest.mark.parametrize("step_us", [67_000, 200_000, 500_000, 1_000_000])
def test_a_share_of_the_looks_counts_whatever_the_frame_rate(step_us: int) -> None:
    sway = Sway()
    for at_us in range(0, 20_000_000, step_us):
        if sway.due(at_us):
            sway.look(at_us, back=at_us % 2_000_000 < 1_000_000)
    assert sway.sways
    assert sway.share == pytest.approx(0.5, abs=0.15)
    for at_us in range(20_000_000, 40_000_000, step_us):
        if sway.due(at_us):
            sway.look(at_us, back=False)
    assert not sway.sways


@given(
    looks=st.lists(st.tuples(st.integers(50_000, 6_000_000), st.booleans()), max_size=60),
)
def test_nothing_sways_before_it_was_watched_or_without_coming_back(
    looks: list[tuple[int, bool]],
) -> None:
    sway, at_us, first_us = Sway(), 0, None
    for step_us, back in looks:
        at_us += step_us
        if not sway.due(at_us):
            continue
        first_us = at_us if first_us is None else first_us
        before = sway.sways
        sway.look(at_us, back=back)
        assert 0.0 <= sway.share <= 1.0
        if sway.sways and not before:
            assert back or before or sway.tried_s >= 4.0
            assert at_us - first_us >= 3_000_000
        assert not (before and not sway.sways and back)
        if not any(one for _, one in looks):
            assert not sway.sways
    assert codec.decode(codec.encode(sway)) == sway


def test_one_look_in_ten_proves_nothing() -> None:
    sway = Sway()
    for at_us in range(0, 30_000_000, 400_000):
        sway.look(at_us, back=at_us % 4_000_000 == 0 and at_us > 0)
        assert not sway.sways


def test_a_drawn_balloon_is_no_loiterer_and_who_stands_beside_it_is() -> None:
    assert "loiter.started" not in types(play(camera(), Scene(balloon=(7.0, 60.0)).frames(FPS, 65)))
    both = Scene(balloon=(7.0, 60.0), person=(25.0, 45.0), person_x=0.25)
    said = types(play(camera(), both.frames(FPS, 65)))
    assert said.count("loiter.started") == 1
    assert said.count("loiter.ended") == 1


@pytest.mark.parametrize("cut_s", [9, 15, 28, 40])
def test_a_restart_makes_no_loiterer_of_a_balloon(cut_s: int) -> None:
    frames = Scene(balloon=(7.0, 60.0)).frames(FPS, 65)
    before, after = camera(), camera()
    said = types(play(before, frames[: cut_s * FPS]))
    state = codec.encode(before.state())
    assert b"Recent" not in state
    after.restore(codec.decode(state))
    said += types(play(after, frames[cut_s * FPS :]))
    assert "loiter.started" not in said


def test_what_hangs_still_at_last_is_a_thing() -> None:
    scene = Scene(balloon=(7.0, 99.0), balloon_still_from_s=30.0)
    said = types(play(camera(), scene.frames(FPS, 90)))
    assert said.count("object.left") == 1
    assert "loiter.started" not in said


@pytest.mark.parametrize("seed", [8005, 8019, 8023])
def test_a_rendered_balloon_is_no_loiterer(seed: int) -> None:
    scene = RenderedScene(seed, balloon=True)
    (balloon,) = scene.stray
    assert not balloon.person
    assert balloon.ends_s - balloon.starts_s > 20
    frames = [
        Frame(number, START_US + round(t_s * 1e6), infrared=infrared, motion=False, jpeg=jpeg)
        for number, (t_s, jpeg, infrared) in enumerate(scene.frames(5.0))
    ]
    assert "loiter.started" not in types(play(camera(), frames))
