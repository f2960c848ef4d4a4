"""`doorguard roster`, `responder link` and pagers, on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from typer.testing import CliRunner

from alerts import responders
from app.cli.main import cli
from core.database import Connection
from tests.conftest import NOON

pytestmark = pytest.mark.integration

Run: TypeAlias = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(conn: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    for name in ("guard-1", "guard-2"):
        responders.add(
            conn,
            name,
            name=name,
            kind="guard",
            lat=37.5,
            lon=127.0,
            webhook_url="http://g/",
            now=NOON,
        )
    conn.commit()
    for key, value in {
        "DATABASE": dsn,
        "BROKER": "mqtt://127.0.0.1:1",
        "SERVICE_KEY": "k" * 32,
        "OBJECTS": str(tmp_path),
        "PUBLIC_URL": "https://door.example",
        "STATE_FOLDER": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"DOORGUARD_{key}", value)

    def invoke(*words: str) -> tuple[int, dict[str, Any]]:
        done = CliRunner().invoke(cli, [*words, "--json"])
        return done.exit_code, json.loads(done.stdout.splitlines()[-1])

    return invoke


def periods(run: Run, name: str) -> list[str]:
    status, week = run("roster", "show", "--week", "2026-11-25")
    assert status == 0
    (person,) = [one for one in week["people"] if one["responder_id"] == name]
    return [one["from"] for one in person["periods"]]


def test_a_planners_week(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "night.csv"
    file.write_text(
        "responder,days,start,end\nguard-1,mon-fri,21:00,02:30\nguard-2,sat,09:00,18:00\n"
    )
    assert run("roster", "import", str(file)) == (0, {"responders": 2, "shifts": 2})
    assert len(periods(run, "guard-1")) == 5
    status, swapped = run("roster", "swap", "guard-1", "guard-2", "--day", "2026-11-27")
    assert (status, len(swapped["shifts"])) == (0, 1)
    assert "2026-11-27T12:00:00Z" not in periods(run, "guard-1")
    assert "2026-11-27T12:00:00Z" in periods(run, "guard-2")
    assert run("roster", "swap", "guard-2", "guard-1", "--day", "2026-11-27")[0] == 0
    assert len(periods(run, "guard-1")) == 5
    status, said = run("roster", "sick", "guard-1", "--from", "2026-11-23", "--until", "2026-11-24")
    assert (status, said["kind"]) == (0, "sick")
    assert len(periods(run, "guard-1")) == 4  # of Tuesday's the half hours after midnight are left


def test_what_is_wrong_changes_nothing_and_says_where(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "night.csv"
    file.write_text(
        "responder,days,start,end\nguard-1,daily,21:00,02:30\nghost,daily,21:00,02:30\n"
    )
    status, said = run("roster", "import", str(file))
    assert (status, "ghost" in said["detail"]) == (1, True)
    file.write_text("responder,days,start,end\nguard-1,moonday,21:00,02:30\n")
    status, said = run("roster", "import", str(file))
    assert (status, said["detail"].startswith("night.csv:2:")) == (1, True)
    assert run("roster", "show", "--week", "soon")[0] == 1
    assert run("roster", "sick", "ghost")[0] == 1
    assert run("roster", "back", "guard-1") == (0, {"responder": "guard-1", "ended": 0})


def test_a_break_and_back(run: Run) -> None:
    assert run("roster", "break", "guard-1", "--minutes", "20")[0] == 0
    assert run("roster", "back", "guard-1")[1]["ended"] == 1


def test_a_renewed_link_is_another(run: Run) -> None:
    first = run("responder", "link", "guard-1")[1]["url"]
    assert first.startswith("https://door.example/responder/guard-1.")
    assert run("responder", "link", "guard-1")[1]["url"] == first
    assert run("responder", "link", "guard-1", "--renew")[1]["url"] != first
    assert run("responder", "link", "ghost")[0] == 1


def test_a_pager_belongs_to_a_responder(run: Run, conn: Connection) -> None:
    assert run("device", "add", "pager-1", "--kind", "pager")[0] == 1
    assert run("device", "add", "button-1", "--kind", "button", "--responder", "guard-1")[0] == 1
    assert run("device", "add", "pager-1", "--kind", "pager", "--responder", "ghost")[0] == 1
    assert conn.execute("SELECT 1 FROM devices").fetchone() is None
    status, made = run("device", "add", "pager-1", "--kind", "pager", "--responder", "guard-1")
    assert (status, made["username"]) == (0, "pager-1")
    row = conn.execute("SELECT responder_id FROM responders WHERE device_id = 'pager-1'").fetchone()
    assert row == {"responder_id": "guard-1"}
