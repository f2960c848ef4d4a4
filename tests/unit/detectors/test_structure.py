"""Bodies, light, the borders of shadows and holes: the stages that tell them apart."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from detectors.background import Background, Difference
from detectors.blobs import Box, clean, find_blobs
from detectors.ghost import is_ghost
from detectors.structure import bodies, is_border

ROWS, COLUMNS = 135, 240


def _wall() -> np.ndarray:
    """A flat wall over a floor of boards, with a camera's little noise."""
    wall = np.full((ROWS, COLUMNS), 150, np.uint8)
    wall[90:] = 80
    wall[90:, ::12] = 110
    return wall


def _noisy(picture: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1.2, picture.shape)
    return np.clip(picture + noise + 0.5, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def learnt() -> Background:
    background = Background(_noisy(_wall(), 0))
    for seed in range(30):
        background.learn(background.subtract(_noisy(_wall(), seed)), 0.2)
    return background


def _person(picture: np.ndarray) -> np.ndarray:
    drawn = picture.copy()
    cv2.rectangle(drawn, (100, 40), (130, 120), 40, -1)
    cv2.circle(drawn, (115, 28), 10, 190, -1)
    return drawn


def _glow(picture: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    glow = np.exp(-(((columns - 110) / 50.0) ** 2 + ((rows - 50) / 45.0) ** 2))
    return np.clip(picture * (1 + 0.5 * glow) + 10 * glow, 0, 255).astype(np.uint8)


def _shadow(picture: np.ndarray) -> np.ndarray:
    shaded = picture.astype(np.float32)
    shaded[:, :90] *= 0.6
    return shaded.astype(np.uint8)


def _seen(learnt: Background, picture: np.ndarray) -> tuple[Difference, np.ndarray, np.ndarray]:
    seen = learnt.subtract(_noisy(picture, 99))
    mask = clean(seen.mask)
    return seen, mask, clean(bodies(seen, mask, learnt.limit))


def test_a_lamp_on_a_flat_wall_differs_and_is_no_body(learnt: Background) -> None:
    _, mask, body = _seen(learnt, _glow(_wall()))
    assert cv2.countNonZero(mask) > 0.1 * mask.size
    assert find_blobs(body) == []


def test_somebody_in_the_lamp_light_is_cut_out_of_it(learnt: Background) -> None:
    _, mask, body = _seen(learnt, _glow(_person(_wall())))
    (box,) = find_blobs(body)
    assert box.iou(Box(100, 18, 31, 103)) > 0.75
    assert find_blobs(mask)[0].area > 2 * box.area


def test_somebody_in_plain_clothes_is_whole(learnt: Background) -> None:
    _, mask, body = _seen(learnt, _person(_wall()))
    assert cv2.countNonZero(body) > 0.9 * cv2.countNonZero(mask)


def test_the_border_of_a_shadow_is_no_body(learnt: Background) -> None:
    _, mask, body = _seen(learnt, _shadow(_wall()))
    assert cv2.countNonZero(mask) > 0.25 * mask.size
    assert [box for box in find_blobs(body) if not is_border(body, mask, box)] == []


def test_somebody_beside_the_border_of_a_shadow_is_found(learnt: Background) -> None:
    _, mask, body = _seen(learnt, _shadow(_person(_wall())))
    found = [box for box in find_blobs(body) if not is_border(body, mask, box)]
    assert any(box.iou(Box(100, 18, 31, 103)) > 0.5 for box in found)


def test_white_light_loses_edges_and_makes_none(learnt: Background) -> None:
    dazzled = _wall().astype(np.float32)
    dazzled[80:130, 60:180] = 255
    soft = cv2.GaussianBlur(dazzled, (0, 0), 14)
    _, _, body = _seen(learnt, np.maximum(_wall(), soft.astype(np.uint8)))
    assert find_blobs(body) == []


def test_a_hole_is_a_ghost_and_a_person_is_none(learnt: Background) -> None:
    seen, _, body = _seen(learnt, _person(_wall()))
    (box,) = find_blobs(body)
    assert not is_ghost(seen, body, box)
    believed = Background(_noisy(_person(_wall()), 1))
    for seed in range(30):
        believed.learn(believed.subtract(_noisy(_person(_wall()), seed)), 0.2)
    seen, _, body = _seen(believed, _wall())
    (hole,) = find_blobs(body)
    assert is_ghost(seen, body, hole)
