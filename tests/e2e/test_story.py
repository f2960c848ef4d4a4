"""The demo's story, as a stranger runs it, and `doorguard up` from start to Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from app.demo.expectations import NAMES
from tests.e2e.conftest import DOORGUARD


def story(*words: str) -> dict[str, object]:
    done = subprocess.run(
        [*DOORGUARD, "demo", "--once", "--json", *words],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stderr[-3000:]
    return found


def test_the_story_holds_and_leaves_nothing_behind() -> None:
    before = set(Path(tempfile.gettempdir()).glob("doorguard-demo-*"))
    found = story()
    assert found["ok"] is True
    assert [item["name"] for item in found["expectations"]] == list(NAMES)
    assert all(item["held"] for item in found["expectations"])
    assert set(Path(tempfile.gettempdir()).glob("doorguard-demo-*")) <= before


@pytest.mark.footage
def test_the_story_holds_with_real_footage(footage: Path) -> None:
    assert story("--video", str(footage / "table-visits.mp4"))["ok"] is True


def test_a_video_that_is_none_is_told_clearly(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DOORGUARD, "demo", "--once", "--json", "--video", str(tmp_path / "none.mp4")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "none.mp4" in json.loads(done.stdout.splitlines()[-1])["detail"]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="doorguard-up-"))
    made.chmod(0o711 if os.geteuid() == 0 else 0o700)
    yield made / "a folder with spaces"
    shutil.rmtree(made)


class Up:
    """`doorguard up` as a child, its standard error read as it comes."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [*DOORGUARD, "up", "--data", str(folder), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as pipe:
            for line in pipe:
                with self._changed:
                    self.lines.append(line)
                    self._changed.notify_all()

    def wait(self, pattern: str, within_s: float = 60.0) -> re.Match[str]:
        def found() -> re.Match[str] | None:
            return next((m for line in self.lines if (m := re.search(pattern, line))), None)

        with self._changed:
            match = self._changed.wait_for(found, within_s)
        assert match, "".join(self.lines)[-3000:]
        return match

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: int = signal.SIGINT) -> float:
        """Send the signal; return the seconds until the process ended."""
        began_s = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        took_s = time.monotonic() - began_s
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return took_s


def test_up_serves_stops_on_ctrl_c_and_starts_again_on_the_same_data(folder: Path) -> None:
    up = Up(folder)
    url = up.wait(r"Screens and API: (\S+)")[1]
    up.wait(r"first start. Sign in as admin with (\S+)")
    assert httpx.get(f"{url}/healthz").json()["ok"] is True
    children = up.children()
    assert len(children) >= 6
    took_s = up.end()
    assert up.process.returncode == 0
    assert took_s < 10
    assert psutil.wait_procs(children, timeout=5)[1] == []

    again = Up(folder)
    assert again.wait(r"Screens and API: (\S+)")[1] == url, "people's bookmarks stay good"
    assert not any("first start" in line for line in again.lines)
    other = subprocess.run(
        [*DOORGUARD, "up", "--data", str(folder)], capture_output=True, text=True, check=False
    )
    assert other.returncode == 1
    assert "another `doorguard up`" in other.stderr
    # and killed outright, it leaves nothing running either
    children = again.children()
    again.end(signal.SIGKILL)
    assert psutil.wait_procs(children, timeout=15)[1] == []
