from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from core.errors import ConfigurationError
from simulators.perturbation import Perturbation
from simulators.replay import Replay, pictures

FILM_FPS = 10
FILM_FRAMES = 40


def level(jpeg):
    """Every frame of the film is one grey, 5 times its number: read the number back."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    return round(float(image[image.shape[0] // 2, image.shape[1] // 2]) / 5)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "greys.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FILM_FPS, (96, 72))
    for number in range(FILM_FRAMES):
        writer.write(np.full((72, 96, 3), 5 * number, np.uint8))
    writer.release()
    return path


def test_it_plays_by_the_films_own_time_whatever_the_camera_rate(film):
    replay = Replay(film, size=(96, 72))
    assert [level(replay.at(n / 4)) for n in range(8)] == [int(n * 2.5) for n in range(8)]
    again = Replay(film, size=(96, 72))
    assert [level(again.at(n / 10)) for n in range(FILM_FRAMES)] == list(range(FILM_FRAMES))


def test_it_ends_with_the_film(film):
    replay = Replay(film, size=(96, 72))
    assert replay.at(3.9) is not None
    assert replay.at(4.0) is None


def test_it_loops_when_asked(film):
    replay = Replay(film, size=(96, 72), loop=True)
    assert [level(replay.at(t)) for t in (3.9, 4.0, 4.5, 8.2)] == [39, 0, 5, 2]


def test_the_lead_in_repeats_the_first_quiet_frames_and_then_the_film_begins(film):
    replay = Replay(film, lead_in_s=9.0, size=(96, 72))
    numbers = [level(replay.at(n / 10)) for n in range(90)]
    assert set(numbers) == set(range(2, 27))
    assert numbers[0] == 2
    assert max(abs(a - b) for a, b in pairwise(numbers)) == 1
    assert level(replay.at(9.0)) == 0


def test_the_picture_is_full_hd_with_the_films_aspect_kept(film):
    jpeg = Replay(film).at(3.0)
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image.shape == (1080, 1920)
    assert image[540, 100] < 5
    assert image[540, 960] == pytest.approx(150, abs=3)


def test_a_file_that_is_no_video_is_a_clear_error(tmp_path):
    text = tmp_path / "notes.mp4"
    text.write_text("not a film")
    with pytest.raises(ConfigurationError, match=r"notes\.mp4"):
        Replay(text)
    with pytest.raises(ConfigurationError, match="no such video file"):
        Replay(tmp_path / "absent.mp4")


def test_it_plays_faster_when_asked(film):
    replay = Replay(film, size=(96, 72), speed=2.0)
    assert [level(replay.at(t)) for t in (0.0, 0.5, 1.0)] == [0, 10, 20]
    assert replay.at(2.0) is None
    with pytest.raises(ConfigurationError):
        Replay(film, speed=0.0)


def test_other_quiet_frames_can_be_named(film):
    replay = Replay(film, lead_in_s=2.0, size=(96, 72), quiet=range(30, 36))
    assert {level(replay.at(n / 10)) for n in range(20)} == set(range(30, 36))
    assert level(replay.at(2.0)) == 0


def test_the_picture_can_be_perturbed_the_lead_in_too(film):
    dimmed = Replay(film, lead_in_s=30.0, size=(96, 72), perturb=Perturbation("light_switch", 1))
    plain = Replay(film, lead_in_s=30.0, size=(96, 72))
    ratios = []
    for n in range(60):
        was, now = level(plain.at(n / 2)), level(dimmed.at(n / 2))
        ratios.append(now / max(was, 1))
    assert min(ratios) < 0.7
    assert max(ratios) > 0.95
    assert not dimmed.infrared(30.0)


def test_pictures_of_a_file_come_with_its_own_times(film):
    shown = list(pictures(str(film)))
    assert [round(t, 3) for t, _ in shown] == [n / FILM_FPS for n in range(FILM_FRAMES)]
    assert shown[7][1].shape == (72, 96, 3)
    with pytest.raises(ConfigurationError, match="no such video file"):
        next(pictures("nowhere.mp4"))
