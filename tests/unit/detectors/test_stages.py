"""Background, light, blobs, life and tracks, each on arrays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from detectors.background import Background, fit_light
from detectors.blobs import Box, clean, find_blobs
from detectors.decode import decode_grey
from detectors.dwell import State
from detectors.life import Past, live_fraction
from detectors.light import edge_agreement, is_lit, is_shade
from detectors.tracks import Tracks
from detectors.zone import inside
from tests.unit.detectors.scene import Scene

EMPTY = decode_grey(Scene().jpeg(0))
SOMEBODY = decode_grey(Scene(person=(0, 9)).jpeg(0))


def _learnt(fps: float = 5.0, seconds: float = 6.0) -> Background:
    background = Background(EMPTY)
    for _ in range(int(fps * seconds)):
        background.learn(background.subtract(EMPTY), 1.0 / fps)
    return background


@pytest.mark.parametrize("fps", [1, 5, 15])
def test_the_model_moves_with_capture_time_not_with_frames(fps: int) -> None:
    background = _learnt(fps, 30.0)
    brighter = np.clip(EMPTY.astype(np.int16) + 6, 0, 255).astype(np.uint8)
    for _ in range(10 * fps):
        background.learn(background.subtract(brighter), 1.0 / fps)
    moved = float((background.mean - EMPTY).mean())
    assert moved == pytest.approx(6 * (1 - np.exp(-10 / 20)), abs=0.15)


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 10.0), (0.8, 0.0), (1.3, 5.0)])
def test_a_step_of_the_light_is_not_foreground(gain: float, offset: float) -> None:
    background = _learnt()
    lit = cv2.convertScaleAbs(EMPTY, alpha=gain, beta=offset)
    seen = background.subtract(np.asarray(lit, np.uint8))
    assert cv2.countNonZero(seen.mask) < 0.01 * seen.mask.size


def test_the_light_is_read_past_a_person() -> None:
    lit = cv2.convertScaleAbs(SOMEBODY, alpha=0.7, beta=4).astype(np.float32)
    light = fit_light(lit, EMPTY.astype(np.float32))
    assert light.gain == pytest.approx(0.7, abs=0.05)


def test_bars_beside_the_film_say_nothing_of_the_light() -> None:
    """A portrait film in a wide picture: two thirds are black."""
    barred = EMPTY.astype(np.float32)
    barred[:, :100] = barred[:, 220:] = 0
    lit = np.clip(barred * 1.3 + 6, 0, 255)
    lit[:, :100] = lit[:, 220:] = 0
    assert fit_light(lit, barred).gain == pytest.approx(1.3, abs=0.05)


def test_a_white_out_is_read_by_what_is_not_white() -> None:
    background = _learnt()
    seen = background.subtract(np.clip(EMPTY.astype(np.float32) * 2.4, 0, 255).astype(np.uint8))
    assert cv2.countNonZero(seen.mask) < 0.02 * seen.mask.size


@pytest.mark.parametrize("fps", [2, 5, 15])
def test_who_walks_by_at_the_start_is_not_learnt(fps: int) -> None:
    frames = Scene(person=(0.0, 9.0), person_x=0.1, speed=0.25).frames(fps, 3.2)
    greys = [decode_grey(one.jpeg) for one in frames]
    background = Background(greys[0])
    for grey in greys[1:]:
        background.learn(background.subtract(grey), 1.0 / fps)
        if background.warm:
            break
    assert background.warm
    assert float((np.abs(background.mean - EMPTY) > 13).mean()) < 0.01


def test_frozen_ground_does_not_learn_the_person_and_follows_the_light() -> None:
    background = _learnt()
    frozen = np.full(EMPTY.shape, 0, np.uint8)
    frozen[:, 120:200] = 255
    dusk = np.asarray(cv2.convertScaleAbs(SOMEBODY, alpha=0.8), np.uint8)
    for _ in range(300):
        background.learn(background.subtract(dusk, frozen), 0.2, frozen)
    wanted = cv2.convertScaleAbs(EMPTY, alpha=0.8).astype(np.float32)
    assert np.abs(background.mean - wanted)[frozen > 0].mean() < 4.0


def test_light_keeps_the_edges_and_a_person_covers_them() -> None:
    background = _learnt()
    seen = background.subtract(SOMEBODY)
    mask = clean(seen.mask)
    (body,) = find_blobs(mask)
    assert edge_agreement(seen, mask, body) < 0.5
    patch = EMPTY.astype(np.float32)
    patch[30:150, 60:200] *= 1.4
    lit = background.subtract(np.clip(patch, 0, 255).astype(np.uint8))
    patched = clean(lit.mask)
    assert is_lit(lit, patched, find_blobs(patched)[0])
    assert not is_lit(seen, mask, body)


def test_an_even_shadow_is_no_body_and_a_person_is_no_shadow() -> None:
    background = _learnt()
    shaded = EMPTY.astype(np.float32)
    shaded[40:160, 120:170] *= 0.65
    seen = background.subtract(shaded.astype(np.uint8))
    assert is_shade(seen, clean(seen.mask), Box(120, 40, 50, 120))
    seen = background.subtract(SOMEBODY)
    mask = clean(seen.mask)
    assert not is_shade(seen, mask, find_blobs(mask)[0])


def test_one_person_in_parts_is_one_blob_and_a_cable_is_none() -> None:
    mask = np.zeros((135, 240), np.uint8)
    mask[20:40, 100:118] = 255
    mask[48:100, 96:124] = 255
    mask[60:78, 130:230] = 255
    assert [(box.x, box.y, box.w, box.h) for box in find_blobs(mask)] == [(96, 20, 28, 80)]


def test_a_standing_person_lives_and_a_bag_does_not() -> None:
    mask = np.full(EMPTY.shape, 255, np.uint8)
    box = Box(130, 30, 60, 140)
    limit = _learnt().limit
    for lives, least, most in ((True, 0.03, 1.0), (False, 0.0, 0.005)):
        past, scene = Past(), Scene(person=(0, 9), lives=lives)
        for tick in range(8):
            past.add(tick * 200_000, decode_grey(scene.jpeg(tick * 0.2)))
        now = decode_grey(scene.jpeg(1.6))
        changed = past.changed(1_600_000, now, limit, [box])
        assert changed is not None
        assert least <= live_fraction(changed, mask, box) <= most


def test_two_who_pass_each_other_keep_their_tracks() -> None:
    tracks = Tracks()
    for tick in range(20):
        left, right = Box(20 + 4 * tick, 10, 20, 60), Box(200 - 4 * tick, 60, 20, 70)
        tracks.update([left, right], tick * 200_000, 0.2)
    assert [track.number for track in tracks.all] == [1, 2]
    assert tracks.all[0].velocity[0] > 0 > tracks.all[1].velocity[0]


def test_who_stands_still_coasts_longer_than_who_walks_out() -> None:
    tracks = Tracks()
    for tick in range(10):
        standing, leaving = Box(50, 10, 20, 60), Box(150 + 7 * tick, 10, 20, 60)
        tracks.update([standing, leaving], tick * 200_000, 0.2)
    still, gone = tracks.all
    assert still.coast_s(240) == 5.0
    assert gone.coast_s(240) == 1.0


def test_a_part_that_splits_off_is_nobody_new() -> None:
    tracks = Tracks()
    tracks.update([Box(50, 10, 30, 90)], 0, 0.2)
    tracks.update([Box(50, 10, 30, 50), Box(54, 64, 20, 36)], 200_000, 0.2)
    (track,) = tracks.all
    assert track.box == Box(50, 10, 30, 90)
    assert track.visit.state is State.ABSENT


def test_feet_on_the_lower_edge_stand_in_a_zone_that_reaches_it() -> None:
    zone = ((0.2, 0.5), (0.8, 0.5), (0.8, 1.0), (0.2, 1.0))
    assert inside(zone, 0.5, 1.0)
    assert inside((), 0.0, 0.0)
    assert not inside(zone, 0.1, 0.9)
