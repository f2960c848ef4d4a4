from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.errors import ConfigurationError
from simulators.scene import Phase, Scene
from simulators.source import frames

CHANGED_GREY = 20  # nine sigma of the noise


@pytest.fixture(scope="module")
def scene():
    return Scene(seed=4, empty_s=8.0, stays=[(0.0, 20.0), (40.0, 5.0)], passers=[31.0])


def test_the_truth_says_when_somebody_is_in_view(scene):
    for visit in (*scene.visits, *scene.passes):
        for moment_s, seen in (
            (visit.entered_s - 0.1, False),
            (visit.entered_s + 0.2, True),
            (visit.left_s - 0.2, True),
            (visit.left_s + 0.01, False),
        ):
            assert scene.figure_mask(moment_s).any() == seen, (visit, moment_s)


def test_a_stay_comes_after_the_empty_time_and_lasts_what_was_asked(scene):
    first, second = scene.visits
    assert first.entered_s == 8.0
    assert first.leaves_s - first.stands_s == pytest.approx(20.0)
    assert second.entered_s == 48.0
    assert [scene.phase(t) for t in (7.9, 8.1, first.stands_s + 1, first.leaves_s + 0.1)] == [
        Phase.AWAY,
        Phase.ENTERING,
        Phase.STANDING,
        Phase.LEAVING,
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_somebody_who_stands_is_alive_and_does_not_run(seed):
    scene = Scene(seed, empty_s=1.0, stays=[(0.0, 14.0)])
    visit = scene.visits[0]
    for second in range(13):
        before_s, after_s = visit.stands_s + second, visit.stands_s + second + 1.0
        grey = [
            cv2.cvtColor(scene.render(t), cv2.COLOR_BGR2GRAY).astype(int)
            for t in (before_s, after_s)
        ]
        figure = scene.figure_mask(before_s)
        either = figure | scene.figure_mask(after_s)
        changed = (np.abs(grey[1] - grey[0]) > CHANGED_GREY) & either
        assert 0.05 <= changed.sum() / figure.sum() <= 0.34, second


def test_somebody_who_stands_stays_on_one_spot(scene):
    visit = scene.visits[0]
    centres, heights = [], []
    for t_s in np.arange(visit.stands_s, visit.leaves_s, 1.0):
        rows, columns = np.nonzero(scene.figure_mask(float(t_s)))
        centres.append(columns.mean())
        heights.append(rows.max() - rows.min())
    assert np.ptp(centres) < 0.1 * np.median(heights)


def test_the_empty_corridor_is_quiet_but_not_frozen(scene):
    one, other = (cv2.cvtColor(scene.render(t), cv2.COLOR_BGR2GRAY).astype(int) for t in (2.0, 3.0))
    change = np.abs(one - other)
    assert 0.5 < change.mean() < 4.0
    assert (change > CHANGED_GREY).mean() < 1e-4


def test_the_same_seed_and_time_give_the_same_picture():
    one, same, other = (Scene(seed).at(3.4) for seed in (7, 7, 8))
    assert one == same
    assert one != other


def test_frames_come_at_the_rate_as_jpeg(scene):
    shown = list(frames(scene, fps=4.0, duration_s=1.0))
    assert [t for t, _ in shown] == [0.0, 0.25, 0.5, 0.75]
    assert cv2.imdecode(np.frombuffer(shown[0][1], np.uint8), cv2.IMREAD_COLOR).shape == (
        720,
        1280,
        3,
    )


@pytest.mark.parametrize("stays", [[(0.0, 20.0), (10.0, 5.0)], [(0.0, 0.0)]])
def test_impossible_timelines_are_refused(stays):
    with pytest.raises(ConfigurationError):
        Scene(stays=stays)
