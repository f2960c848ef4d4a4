"""`doorguard rules check`: a clear message and an exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.rules.loading import DEFAULT, rules_of
from alerts.rules.problems import RulesRefused
from app.cli.main import cli
from core.settings import Settings

BAD = DEFAULT.read_text(encoding="utf-8").replace('page = "at once"', 'page = "nobody"', 1)


def test_the_rules_that_ship_are_in_order() -> None:
    told = CliRunner().invoke(cli, ["rules", "check", "--json"])
    assert (told.exit_code, json.loads(told.stdout)["ok"]) == (0, True)


def test_a_bad_file_is_named_with_line_and_remedy(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(BAD, encoding="utf-8")
    line = BAD[: BAD.index('page = "nobody"')].count("\n") + 1
    told = CliRunner().invoke(cli, ["rules", "check", str(file)])
    assert told.exit_code == 1
    said = f'{file}:{line}: sos.pressed would be delayed or muted; write page = "at once"'
    assert said in told.stdout
    told = CliRunner().invoke(cli, ["rules", "check", str(file), "--json"])
    assert [one["line"] for one in json.loads(told.stdout)["problems"]] == [line]


def test_what_is_shown_can_be_checked(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(CliRunner().invoke(cli, ["rules", "show"]).stdout, encoding="utf-8")
    assert CliRunner().invoke(cli, ["rules", "check", str(file)]).exit_code == 0


def test_a_process_refuses_to_run_by_a_bad_file(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(BAD, encoding="utf-8")
    settings = Settings(
        database="unused",
        broker="mqtt://unused",
        service_key="k" * 32,
        objects="unused",
        public_url="https://door.example",
        state_folder=tmp_path,
        rules=file,
    )
    with pytest.raises(RulesRefused, match=r"bad\.toml:"):
        rules_of(settings)
