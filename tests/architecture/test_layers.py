"""The layer rule, strictness and the wheel's contents, as checks that fail."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "gateway", "ingest", "detectors", "alerts", "households", "simulators", "app")
BIN = Path(sys.executable).parent


def test_layers() -> None:
    done = subprocess.run(
        [BIN / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]


def sources() -> list[Path]:
    return [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"^\s*(import|from) paho", {"gateway/paho_client.py", "simulators/connection.py"}),
        (r"cv2\.VideoCapture", {"simulators/replay.py"}),
    ],
)
def test_edges_stand_in_one_file(pattern: str, allowed: set[str]) -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in sources()
        if re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert found <= allowed
    assert found, "the pattern no longer finds its file"


def test_no_room_for_everything() -> None:
    banned = {"utils", "helpers", "common", "manager", "misc"}
    assert not [path for path in sources() if path.stem in banned]


def test_the_wheel_holds_exactly_our_packages(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("doorguard-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert top == set(ROOMS)
    inside = {name for name in names if ".dist-info/" not in name}
    expected = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == expected
