"""What `doorguard status` says of cameras to a person."""

from __future__ import annotations

from typing import Any

from app.status import as_text

FOUND: dict[str, Any] = {
    "ok": True,
    "processes": {
        "detect": {
            "alive": True,
            "process": "detect",
            "pid": 7,
            "version": "1",
            "up_s": 60,
            "connected": True,
            "frames": 900,
            "parts": 64,
            "shed_of": {},
            "bad_jpegs_of": {"camera-home-1": 12, "camera-home-2": 1},
        }
    },
    "database": "PostgreSQL",
    "schema": {"migrations": 1},
    "incidents": {"open": 0, "unacknowledged": 0, "p1": 0, "p2": 0, "p3": 0, "p4": 0},
    "rejected": 0,
    "rejects": [],
    "synthetic_sos": None,
}


def test_the_cameras_with_bad_pictures_are_named() -> None:
    text = as_text(FOUND)
    assert "bad_jpegs: camera-home-1 12, camera-home-2 1" in text
    assert "shed" not in text
    assert "parts 64" in text
