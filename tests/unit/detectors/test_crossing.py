"""People who stand or walk beside, behind and through each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.blobs import Box, find_blobs, split
from detectors.crossing import are_beside, shares
from detectors.tracks import Tracks

BOXES = st.builds(Box, st.floats(0, 200), st.floats(0, 80), st.floats(4, 60), st.floats(10, 120))


@given(blob=BOXES, expected=st.lists(BOXES, min_size=2, max_size=4))
def test_a_share_lies_in_its_blob_and_is_no_larger_than_who_it_is(
    blob: Box, expected: list[Box]
) -> None:
    for own, part in zip(expected, shares(blob, expected), strict=True):
        if part is None:
            assert blob.w < 1.2 * max(box.w for box in expected)
            continue
        assert part.w <= own.w + 1e-6
        assert part.h <= own.h + 1e-6
        assert part.overlap(blob) == pytest.approx(part.area, rel=1e-6)


def _walkers(tick: int) -> list[Box]:
    left, right = Box(20 + 5 * tick, 30, 20, 60), Box(200 - 5 * tick, 30, 20, 60)
    return [left.union(right)] if left.overlap(right) else [left, right]


def test_two_who_walk_through_each_other_keep_their_tracks() -> None:
    tracks = Tracks()
    for tick in range(36):
        for track in tracks.update(_walkers(tick), tick * 200_000, 0.2):
            track.visit.seen_s += 0.2
    one, other = tracks.all
    assert (one.number, other.number) == (1, 2)
    assert one.box.x > 180 > other.box.x
    assert one.velocity[0] > 0 > other.velocity[0]


def test_who_is_hidden_behind_somebody_is_awaited_for_the_grace() -> None:
    tracks = Tracks()
    for tick in range(10):
        boxes = [Box(80, 30, 20, 60), Box(20 + 5 * tick, 30, 20, 60)]
        for track in tracks.update(boxes, tick * 200_000, 0.2):
            track.visit.seen_s += 0.2
    standing, walker = tracks.all
    assert walker.coast_s(240) == 1.0
    tracks.update([Box(80, 30, 21, 60)], 2_200_000, 0.2)
    assert standing.seen_us == 2_200_000
    assert walker.covered
    assert walker.coast_s(240) == 5.0
    tracks.update([Box(80, 30, 20, 60), Box(105, 30, 20, 60)], 3_200_000, 0.2)
    assert walker.seen_us == 3_200_000
    assert len(tracks.all) == 2


def test_two_who_stand_side_by_side_are_two_boxes_and_one_with_wide_arms_is_one() -> None:
    mask = np.zeros((135, 240), np.uint8)
    mask[40:100, 50:70] = 255
    mask[42:100, 76:96] = 255
    mask[60:64, 70:76] = 255  # they touch
    (whole,) = find_blobs(mask)
    assert (
        split(whole, mask) == [Box(50, 40, 20, 60), Box(76, 42, 20, 58)]
        or len(split(whole, mask)) == 2
    )
    arms = np.zeros_like(mask)
    arms[40:100, 70:90] = 255
    arms[55:65, 50:110] = 255
    (one,) = find_blobs(arms)
    assert split(one, arms) == [one]


def test_a_pair_of_legs_is_no_pair_of_people() -> None:
    legs = Box(50, 60, 8, 28), Box(62, 60, 8, 28)
    assert not are_beside(*legs, height=62)
    assert are_beside(*legs, height=30)
