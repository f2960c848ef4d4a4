"""The made film with its truth file, written once a module."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from tests.integration.detectors.films import ENTER, EXIT, FPS, FRAMES, SIZE, door_pictures


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """A folder with `door.avi` and `truth.json`."""
    folder = tmp_path_factory.mktemp("footage")
    code = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(folder / "door.avi"), code, FPS, SIZE)
    for picture in door_pictures():
        writer.write(picture)
    writer.release()
    truth = {
        "door.avi": {
            "fps": FPS,
            "size": SIZE,
            "frames": FRAMES,
            "persons": [{"enter": ENTER, "exit": EXIT, "still": [ENTER, EXIT]}],
            "still_box_xywh_median": [[140, 40, 40, 120]],
            "presence_ge_10s": [1],
        }
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    return folder
