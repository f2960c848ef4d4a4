"""`doorguard watch` on files, streams and devices: what it draws, what it says when it cannot."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from itertools import islice, pairwise

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import watch as watching
from app.cli.main import cli
from app.cli.watch_page import Page
from detectors.config import CameraConfig
from simulators import replay
from simulators.source import encode_jpeg
from tests.integration.detectors.films import ENTER, EXIT, FRAMES, door_pictures
from tests.integration.detectors.rtsp_server import serving


def test_watch_draws_what_the_detector_sees(film, tmp_path):
    out = tmp_path / "seen.mp4"
    asked = ["watch", str(film / "door.avi"), "--out", str(out), "--loiter-after", "10", "--json"]
    ended = CliRunner().invoke(cli, asked)
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["frames"] == FRAMES // 2
    assert "loiter.started" in {finding["type"] for finding in told["findings"]}
    capture = cv2.VideoCapture(str(out))
    count, red = 0, []
    while True:
        held, picture = capture.read()
        if not held:
            break
        count += 1
        blue, green, other = (picture[:, :, c].astype(int) for c in range(3))
        red.append(int(((other > 180) & (green < 110) & (blue < 110)).sum()))
    capture.release()
    assert count == told["frames"]
    assert picture is None
    before, loitering = red[20], max(red[ENTER // 2 + 60 : EXIT // 2 - 5])
    assert loitering > before + 2000


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["nowhere.mp4"], "no such video file: nowhere.mp4"),
        (["/dev/video97"], "no such video device: /dev/video97"),
        (["97"], "no such video device: /dev/video97"),
        (["{film}", "--out", "{tmp}/no/where.mp4"], "no such folder"),
        (["{film}", "--zone", "[[0,0],[1,1]]"], "zone"),
        (["{tmp}/text.mp4"], "not a video that can be read"),
        (["{tmp}/codec.avi"], "codec.avi"),
        (["{tmp}/cut.avi", "--out", "{tmp}/cut.mp4"], "breaks off after"),
        (["rtsp://me:secret@127.0.0.1:1/x"], "can be read: rtsp://127.0.0.1:1/x"),
    ],
)
def test_watch_says_what_it_cannot_open_or_write(film, tmp_path, asked, told):
    (tmp_path / "text.mp4").write_text("no video\n" * 200)
    door = (film / "door.avi").read_bytes()
    (tmp_path / "codec.avi").write_bytes(door.replace(b"MJPG", b"QQQQ"))
    (tmp_path / "cut.avi").write_bytes(door[: len(door) // 3])
    words = [word.format(film=film / "door.avi", tmp=tmp_path) for word in asked]
    ended = CliRunner().invoke(cli, ["watch", *words])
    assert ended.exit_code == 1, ended.output
    assert told in ended.output
    assert "doorguard:" in ended.output
    assert "secret" not in ended.output


def test_a_stream_is_watched_by_its_own_clock_until_it_falls_silent(tmp_path, monkeypatch):
    monkeypatch.setattr(replay, "_PATIENCE_MS", 1_500)
    shown = list(islice(door_pictures(), 0, FRAMES, 2))
    out = tmp_path / "seen.mp4"
    with serving(shown, fps=50.0, stamped_fps=5.0) as address:
        asked = ["watch", address, "--out", str(out), "--loiter-after", "10"]
        ended = CliRunner().invoke(cli, asked)
    assert ended.exit_code == 1
    assert "sent nothing more" in ended.output
    assert "secret" not in ended.output
    # what was found until then is said, and the film of it is whole
    assert "loiter.started" in ended.output
    assert abs(_count(out) - len(shown)) <= 2


def test_pictures_over_http_are_watched_by_this_machines_clock(film):
    """The page of `watch` itself is such a stream."""
    with Page() as page:
        over = threading.Event()
        jpeg = encode_jpeg(np.full((180, 320, 3), 90, np.uint8))

        def send() -> None:
            while not over.wait(0.05):
                page.show(jpeg)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            taken = list(islice(replay.pictures(f"{page.address}stream"), 20))
        finally:
            over.set()
            sender.join()
    assert [image.shape for _, image in taken] == [(180, 320, 3)] * 20
    assert taken[-1][0] < 25.0
    assert all(one[0] <= other[0] for one, other in pairwise(taken))


def test_the_page_shows_the_newest_picture(film):
    shown = watching.detect(watching._sampled(str(film / "door.avi"), 5.0, 1.0), CameraConfig())
    with Page() as page:
        with urllib.request.urlopen(page.address, timeout=5) as answer:
            assert b"/stream" in answer.read()
        for drawn, _, _ in shown:
            page.show(encode_jpeg(drawn))
        with urllib.request.urlopen(f"{page.address}stream", timeout=5) as stream:
            head = stream.read(300)
            assert b"image/jpeg" in head
            assert b"\xff\xd8" in head
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{page.address}other", timeout=5)


def _count(film) -> int:
    capture = cv2.VideoCapture(str(film))
    number = 0
    while capture.read()[0]:
        number += 1
    capture.release()
    return number
