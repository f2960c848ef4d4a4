"""Putting homes on test over the API and the command line: who may, and what is written down."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from alerts.audit import verify
from app.cli.main import cli
from app.console import desk_state, feed

from .conftest import NOW

pytestmark = pytest.mark.integration

BODY = {"minutes": 90, "reason": "new battery"}
DISTRICT = {"reason": "district", "district": "Mapo-gu"}


def ask(api, method: str, role: str, home: str = "own", **given: object):
    headers = {"Authorization": f"Bearer {api.tokens[role]}"}
    path = f"/v1/households/{home}/on-test"
    return asyncio.run(api.client.request(method, path, headers=headers, **given))


def log_of(conn) -> list[tuple[str, str, str | None, dict[str, object]]]:
    rows = conn.execute("SELECT * FROM access_log ORDER BY n").fetchall()
    return [(row["actor"], row["action"], row["household_id"], row["detail"]) for row in rows]


def test_a_technician_puts_a_home_on_test_and_takes_it_off(api, conn, clock) -> None:
    assert ask(api, "GET", "technician").json() == {"household_id": "own", "on_test": None}
    made = ask(api, "PUT", "technician", json=BODY)
    assert made.status_code == 200
    on_test = {
        "since": "2026-11-22T03:00:00Z",
        "until": "2026-11-22T04:30:00Z",
        "put_by": "the-technician",
        "reason": "new battery",
    }
    assert made.json() == {"household_id": "own", "on_test": on_test}
    assert ask(api, "GET", "supervisor").json()["on_test"] == on_test
    assert set(desk_state.read(conn, clock.now()).on_test) == {"own"}
    assert desk_state.read(conn, NOW + timedelta(minutes=90)).on_test == {}
    for _ in range(2):  # again changes nothing
        assert ask(api, "DELETE", "administrator").json()["on_test"] is None
    assert desk_state.read(conn, clock.now()).on_test == {}
    role = {"role": "technician"} | DISTRICT
    boss = {"role": "administrator", "put": "off"} | DISTRICT
    assert log_of(conn) == [
        ("the-technician", "on_test", "own", role),
        (
            "the-technician",
            "on_test",
            "own",
            role | {"put": "on", "minutes": 90, "why": "new battery"},
        ),
        ("the-supervisor", "on_test", "own", {"role": "supervisor"} | DISTRICT),
        ("the-administrator", "on_test", "own", boss),
        ("the-administrator", "on_test", "own", boss),
    ]
    assert verify(conn) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("role", "home", "status"),
    [
        ("resident", "own", 403),
        ("resident", "other", 404),
        ("guardian", "own", 403),
        ("operator", "own", 403),
        ("officer", "own", 403),
        ("technician", "nowhere", 404),
    ],
)
def test_who_may_not(api, conn, method, role, home, status) -> None:
    given = {"json": BODY} if method == "PUT" else {}
    assert ask(api, method, role, home, **given).status_code == status
    refused = [line[:3] for line in log_of(conn)]
    assert refused == ([] if home == "nowhere" else [(f"the-{role}", "refused", home)])
    assert conn.execute("SELECT FROM homes_on_test").fetchall() == []


def test_a_technician_of_another_district_is_refused(api, conn) -> None:
    conn.execute("UPDATE users SET district = 'Gwanak-gu' WHERE user_id = 'the-technician'")
    assert ask(api, "PUT", "technician", json=BODY).status_code == 403
    assert [line[:2] for line in log_of(conn)] == [("the-technician", "refused")]


@pytest.mark.parametrize(
    "body",
    [
        {"minutes": 0, "reason": "x"},
        {"minutes": 481, "reason": "x"},
        {"minutes": 30},
        {"minutes": 30, "reason": ""},
        {"minutes": 30, "reason": "x" * 201},
        {"minutes": 30, "reason": "a\0b"},
    ],
)
def test_what_does_not_fit_is_refused(api, conn, body) -> None:
    assert ask(api, "PUT", "technician", json=body).status_code == 422
    assert ask(api, "PUT", "technician", json={"minutes": 30, "reason": "  "}).status_code == 400
    assert log_of(conn) == []


def test_the_resident_reads_who_worked_there(api) -> None:
    ask(api, "PUT", "technician", json=BODY)
    (look,) = api.get("/v1/households/own/views").json()["items"]
    assert (look["actor"], look["action"]) == ("the-technician", "on_test")
    assert look["detail"]["why"] == "new battery"


def test_an_open_incident_shows_it_at_the_desk(api, conn, clock, open_incident) -> None:
    open_incident("own")
    clock.advance(60)
    ask(api, "PUT", "technician", json=BODY)
    test = desk_state.read(conn, clock.now()).on_test["own"]
    assert not test.covers(NOW)  # the alarm came before: the board says so
    assert test.covers(clock.now())


def test_a_reading_of_the_board_takes_as_many_queries_as_ever(
    api, conn, clock, open_incident, monkeypatch
) -> None:
    open_incident("own")
    execute, asked = conn.execute, []
    monkeypatch.setattr(
        conn, "execute", lambda *given, **more: asked.append(given) or execute(*given, **more)
    )
    counts = []
    for home in ("other", "own"):
        asked.clear()
        assert len(feed.read(conn, clock.now()).desk.on_test) == len(counts)
        counts.append(len(asked))
        open_incident("other")
        ask(api, "PUT", "technician", home, json=BODY)
    assert len(feed.read(conn, clock.now()).desk.on_test) == 2
    assert counts[0] == counts[1] > 0


def test_the_command_line(api, conn, dsn, monkeypatch, tmp_path) -> None:
    for key, value in {
        "DATABASE": dsn,
        "BROKER": "mqtt://127.0.0.1:1",
        "SERVICE_KEY": "k" * 32,
        "OBJECTS": str(tmp_path),
        "PUBLIC_URL": "https://door.example",
        "STATE_FOLDER": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"DOORGUARD_{key}", value)

    def run(*words: str) -> tuple[int, dict[str, object]]:
        done = CliRunner().invoke(cli, ["household", "test", *words, "--json"])
        return done.exit_code, json.loads(done.stdout.splitlines()[-1])

    assert run("own") == (0, {"household": "own", "on_test": None})
    status, made = run("own", "--minutes", "30", "--reason", "new button")
    assert status == 0
    assert made["on_test"]["reason"] == "new button"
    assert run("own")[1] == made
    assert run("own", "--off") == (0, {"household": "own", "on_test": None})
    for wrong in (
        ("own", "--minutes", "30"),
        ("own", "--minutes", "30", "--reason", "x", "--off"),
        ("own", "--reason", "and for how long"),
        ("nowhere", "--minutes", "30", "--reason", "x"),
    ):
        assert run(*wrong)[0] == 1
    lines = log_of(conn)
    assert [(action, home, detail["put"]) for _, action, home, detail in lines] == [
        ("on_test", "own", "on"),
        ("on_test", "own", "off"),
    ]
    assert all(actor.startswith("cli:") for actor, *_ in lines)
    assert verify(conn) == []
