"""The device of docs/protocol.md, run without anything of ours, is heard."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import paho.mqtt

from simulators.pager import Pager
from tests.e2e.conftest import System

# No site-packages and no checkout on the path: paho alone.
_ALONE = """
import runpy, sys
sys.path[:] = ["only", *(p for p in sys.path if p and "site-packages" not in p)]
sys.argv = ["button.py", "button.json"]
runpy.run_path("button.py")
"""
DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"


def test_the_forty_line_device_is_acknowledged_and_somebody_is_paged(
    system: System, tmp_path: Path
) -> None:
    pager = Pager("")
    pager.start()
    system.run("household", "add", "home-example", "--name", "Example", "--address", "Road 1")
    added = system.run("responder", "add", "crew-example", "--webhook", pager.url)
    pager.secret = added["webhook_secret"]
    device = system.run(
        "device", "add", "button-example", "--household", "home-example", "--kind", "button"
    )
    assert set(device) >= {"device", "username", "password", "host", "port", "topic_root"}
    (tmp_path / "button.json").write_text(json.dumps(device))
    code = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    (tmp_path / "button.py").write_text(code[1])
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "paho").symlink_to(Path(paho.mqtt.__file__).parents[1])
    try:
        done = subprocess.run(
            [sys.executable, "-S", "-c", _ALONE],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "help is informed" in done.stdout
        page = pager.wait_page(lambda page: page.body["household"]["name"] == "Example", 10)
        assert page is not None
        assert page.body["incident"]["kind"] == "sos"
        answered = pager.wait_page(lambda page: page.answer_status == 200, 10)
        assert answered is not None, "the accept link of the page works"
    finally:
        pager.stop()
        system.run("responder", "remove", "crew-example")
