"""What moves as one piece is no life: balloons on their strings, and people who are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.frames import Frame
from detectors.background import Plane
from detectors.blobs import Box
from detectors.decode import Grey
from detectors.sway import Sway, is_stiff
from simulators.rendered import RenderedScene
from tests.unit.detectors.scene import START_US, camera, play, types

SHAPE = (135, 240)
LIMIT: Plane = np.full(SHAPE, 169.0, np.float32)


def _drawn(turn_deg: float, aside_px: float, *, arm_px: int = 0) -> tuple[Grey, Grey]:
    """Return a picture and its mask: a figure of 70 px that was turned and moved; `arm_px` is
    how far a part of it was moved by itself.
    """
    ground = np.random.default_rng(3).integers(80, 160, (27, 48)).astype(np.uint8)
    picture = cv2.resize(ground, SHAPE[::-1], interpolation=cv2.INTER_LINEAR)
    layer, mask = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    for canvas, shades in ((layer, (40, 230, 140)), (mask, (255, 255, 255))):
        cv2.ellipse(canvas, (120, 60), (20, 35), 0, 0, 360, shades[0], -1)
        cv2.rectangle(canvas, (110, 40), (126, 50), shades[1], -1)
        cv2.rectangle(canvas, (108 + arm_px, 60), (120 + arm_px, 86), shades[2], -1)
    way = cv2.getRotationMatrix2D((120, 130), turn_deg, 1.0)
    way[0, 2] += aside_px
    layer, mask = (cv2.warpAffine(one, way, SHAPE[::-1]) for one in (layer, mask))
    picture[mask > 127] = layer[mask > 127]
    return picture, np.where(mask > 127, 255, 0).astype(np.uint8)


def _stiff(then: Grey, now: Grey, mask: Grey, live: float = 0.5) -> bool:
    x, y, w, h = cv2.boundingRect(mask)
    return is_stiff(now, then, mask, LIMIT, Box(x, y, w, h), live)


@pytest.mark.parametrize(("turn_deg", "aside_px"), [(0, 4), (3, 0), (-4, 2.5), (6, -3)])
def test_what_is_moved_and_turned_as_a_whole_is_stiff(turn_deg: float, aside_px: float) -> None:
    then, _ = _drawn(0, 0)
    assert _stiff(then, *_drawn(turn_deg, aside_px))


def test_what_moves_in_itself_is_not() -> None:
    then, _ = _drawn(0, 0)
    assert not _stiff(then, *_drawn(0, 0, arm_px=10))
    assert not _stiff(then, *_drawn(3, 2, arm_px=10))


def test_what_stands_still_or_hardly_stirs_is_not_carried_about() -> None:
    then, _ = _drawn(0, 0)
    assert not _stiff(then, *_drawn(0, 0))
    assert not _stiff(then, *_drawn(0, 4), live=0.1)


@pytest.mark.parametrize("step_us", [200_000, 400_000, 1_000_000])
def test_a_share_of_the_looks_counts_whatever_the_frame_rate(step_us: int) -> None:
    sway = Sway()
    for at_us in range(0, 20_000_000, step_us):
        if sway.due(at_us):
            sway.look(at_us, stiff=at_us % 2_000_000 < 1_000_000)
    assert sway.sways
    assert sway.share == pytest.approx(0.5, abs=0.11)
    for at_us in range(20_000_000, 34_000_000, step_us):
        if sway.due(at_us):
            sway.look(at_us, stiff=False)
    assert not sway.sways


def test_a_few_stiff_looks_prove_nothing() -> None:
    sway = Sway()
    for at_us in range(0, 30_000_000, 400_000):
        sway.look(at_us, stiff=at_us % 2_000_000 == 0)
        assert not sway.sways


@pytest.mark.parametrize("seed", [8005, 8061, 8065, 8067])
def test_a_balloon_is_a_thing_or_nothing_and_no_loiterer(seed: int) -> None:
    scene = RenderedScene(seed, balloon=True)
    (balloon,) = scene.stray
    assert not balloon.person
    assert balloon.ends_s - balloon.starts_s > 20
    frames = [
        Frame(number, START_US + round(t_s * 1e6), infrared=infrared, motion=False, jpeg=jpeg)
        for number, (t_s, jpeg, infrared) in enumerate(scene.frames(5.0))
    ]
    found = types(play(camera(), frames))
    assert "loiter.started" not in found
