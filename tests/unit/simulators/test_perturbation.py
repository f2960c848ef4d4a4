from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigurationError
from core.frames import Frame
from simulators.delivery import Delivery
from simulators.perturbation import NAMES, Perturbation

MOMENTS = [n * 0.7 for n in range(60)]


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(5)
    return rng.integers(40, 200, (72, 128, 3)).astype(np.uint8)


def test_there_are_twelve():
    assert len(NAMES) == len(set(NAMES)) == 12


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_and_time_give_the_same_picture(picture, name):
    before = picture.copy()
    for t_s in MOMENTS[::7]:
        one, same = (Perturbation(name, 3).apply(picture, t_s) for _ in range(2))
        assert (one == same).all()
        assert one.shape == picture.shape
        assert one.dtype == np.uint8
    assert (picture == before).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "none"])
def test_it_changes_the_picture_within_a_minute_and_leaves_it_a_picture(picture, name):
    perturbation = Perturbation(name, 3)
    changes = [
        np.abs(perturbation.apply(picture, t).astype(int) - picture.astype(int)).mean()
        for t in MOMENTS
    ]
    assert max(changes) > 0.4
    assert max(changes) < 90.0


def test_none_changes_nothing(picture):
    assert (Perturbation("none").apply(picture, 12.0) == picture).all()


def test_seeds_differ(picture):
    one, other = (Perturbation("noise", seed).apply(picture, 1.0) for seed in (1, 2))
    assert (one != other).any()


def test_noise_is_as_strong_as_said():
    flat = np.full((270, 480, 3), 128, np.uint8)
    noisy = Perturbation("noise", 1).apply(flat, 1.0)
    assert noisy.astype(float).std() == pytest.approx(8.0, rel=0.05)


def test_only_the_infrared_switch_says_infrared():
    assert {Perturbation("infrared", 1).infrared(t) for t in MOMENTS} == {True, False}
    for name in NAMES:
        if name != "infrared":
            assert not any(Perturbation(name, 1).infrared(t) for t in MOMENTS)


def test_another_name_is_refused():
    with pytest.raises(ConfigurationError, match="earthquake"):
        Perturbation("earthquake")


def frames(count):
    return [Frame(n, n * 200_000, infrared=False, motion=False, jpeg=b"") for n in range(count)]


def test_a_perfect_network_delivers_everything_in_order():
    assert list(Delivery().deliver(frames(50))) == frames(50)
    assert list(Delivery().moments(5.0, 2.0)) == pytest.approx([n / 5 for n in range(10)])


def test_frames_are_lost_doubled_and_overtaken_as_often_as_said():
    arrived = [f.number for f in Delivery(seed=2, loss=0.2).deliver(frames(2000))]
    assert arrived == sorted(set(arrived))
    assert 1500 < len(arrived) < 1700
    arrived = [f.number for f in Delivery(seed=2, doubled=0.1).deliver(frames(2000))]
    assert set(arrived) == set(range(2000))
    assert 2120 < len(arrived) < 2280
    arrived = [f.number for f in Delivery(seed=2, reordered=0.1).deliver(frames(2000))]
    assert sorted(arrived) == list(range(2000))
    late = sum(number < max(arrived[: at + 1]) for at, number in enumerate(arrived))
    assert 120 < late < 240
    assert max(abs(at - number) for at, number in enumerate(arrived)) <= 4


def test_jittered_moments_still_rise():
    moments = list(Delivery(seed=3, jitter=1.0).moments(5.0, 40.0))
    gaps = np.diff(moments)
    assert len(moments) == 200
    assert (gaps > 0).all()
    assert gaps.std() > 0.05
    assert moments == list(Delivery(seed=3, jitter=1.0).moments(5.0, 40.0))


def test_shares_above_one_are_refused():
    with pytest.raises(ConfigurationError):
        Delivery(loss=1.5)
