"""Operators' moves and the residents' cancel over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerts import code_words
from alerts.audit import verify
from app.accounts.tokens import issue_token
from app.accounts.users import add_user

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def send(api, path: str, role: str = "operator", body: dict | None = None):
    headers = {"Authorization": f"Bearer {api.tokens[role]}"}
    return api.client.post(path, headers=headers, json=body)


def shown(api) -> list[dict]:
    return api.get("/v1/households/own/incidents").json()["items"]


@pytest.fixture
def words(api, conn) -> None:
    with conn.transaction():
        code_words.set_words(conn, "own", cancel="blue bird", duress="green bird", now=NOW)


def test_an_incident_from_hand_to_hand(api, conn, clock, open_incident) -> None:
    add_user(conn, "the-second", "operator", [])
    api.tokens["second"] = issue_token(conn, "the-second", clock.now())
    path = f"/v1/incidents/{open_incident('own')}"
    seen = api.get(path, "operator").json()
    assert (seen["level"], seen["level_reasons"], seen["kind"]) == (4, ["called"], "sos")
    assert send(api, f"{path}/verify").status_code == 409
    assert send(api, f"{path}/acknowledge").json()["acknowledged_by"] == "the-operator"
    told = send(api, f"{path}/acknowledge", "second")
    assert (told.status_code, told.json()["type"]) == (409, "urn:doorguard:problem:conflict")
    assert "the-operator acknowledged" in told.json()["detail"]
    assert told.json()["code"] == "incident.acknowledged"
    assert send(api, f"{path}/verify").status_code == 200
    assert send(api, f"{path}/close", "second", {"disposition": "closed"}).status_code == 409
    assert send(api, f"{path}/take-over", "second").json()["acknowledged_by"] == "the-second"
    lowered = send(api, f"{path}/level", "second", {"level": 0, "why": "pressed by the cat"})
    assert (lowered.json()["level"], lowered.json()["level_set_why"]) == (0, "pressed by the cat")
    wrong = {"disposition": "false_alarm", "cause": "ghosts"}
    assert send(api, f"{path}/close", "second", wrong).status_code == 400
    closed = send(api, f"{path}/close", "second", wrong | {"cause": "animal", "note": "a cat"})
    assert (closed.json()["state"], closed.json()["closing_note"]) == ("false_alarm", "a cat")
    again = send(api, f"{path}/reopen", body={"why": "it was no cat"}).json()
    assert (again["state"], again["acknowledged_by"]) == ("acknowledged", "the-operator")
    assert verify(conn) == []


@pytest.mark.parametrize("move", ["acknowledge", "take-over", "verify", "level", "close", "reopen"])
def test_only_operators_deal_with_incidents(api, open_incident, move) -> None:
    path = f"/v1/incidents/{open_incident('own')}"
    bodies = {
        "level": {"level": 1, "why": "x"},
        "close": {"disposition": "test"},
        "reopen": {"why": "x"},
    }
    assert send(api, f"{path}/{move}", "resident", bodies.get(move)).status_code == 403
    assert api.get(path, "resident").status_code == 403
    assert send(api, f"/v1/incidents/999/{move}", body=bodies.get(move)).status_code == 404


@pytest.mark.parametrize(
    ("move", "body"),
    [
        ("level", {"level": 5, "why": "x"}),
        ("level", {"level": 1, "why": ""}),
        ("level", {"level": 1, "why": "\u0000"}),
        ("close", {"disposition": "whatever"}),
        ("reopen", {}),
    ],
)
def test_what_does_not_fit_is_named(api, open_incident, move, body) -> None:
    answer = send(api, f"/v1/incidents/{open_incident('own')}/{move}", body=body)
    assert (answer.status_code, answer.json()["title"]) == (422, "A parameter is not valid")


@pytest.mark.usefixtures("words")
def test_both_words_are_answered_alike(api, conn, open_incident) -> None:
    incident = open_incident("own")
    path = f"/v1/households/own/incidents/{incident}/cancel"
    wrong = send(api, path, "resident", {"word": "red bird"})
    assert (wrong.status_code, "4 attempts are left" in wrong.json()["detail"]) == (403, True)
    assert wrong.json()["code"] == "code_word.wrong"
    assert send(api, path, "operator", {"word": "blue bird"}).status_code == 403
    duress = send(api, path, "resident", {"word": "GREEN bird"})
    seen = shown(api)
    (row,) = conn.execute("SELECT kind, priority, state FROM incidents").fetchall()
    assert (row["kind"], row["priority"]) == ("duress", 1)
    assert row["state"] != "cancelled"
    # the operator looks; the resident does not see that somebody does
    assert api.get(f"/v1/incidents/{incident}", "operator").json()["kind"] == "duress"
    api.get("/v1/households/own/devices", "operator")
    looks = api.get("/v1/households/own/views").json()["items"]
    assert {look["actor"] for look in looks} == {"the-resident"}
    # the same with the true word
    with conn.transaction():
        conn.execute("UPDATE incidents SET kind = 'sos', shown_state = NULL")
    cancelled = send(api, path, "resident", {"word": "blue bird"})
    assert (duress.status_code, duress.json()) == (cancelled.status_code, cancelled.json())
    assert dict(duress.headers) == dict(cancelled.headers)
    assert [row["state"] for row in seen] == [row["state"] for row in shown(api)] == ["cancelled"]


@pytest.mark.usefixtures("words")
def test_only_ones_own_incident_is_cancelled(api, conn, open_incident) -> None:
    other = open_incident("other")
    body = {"word": "blue bird"}
    for path in (f"own/incidents/{other}", f"other/incidents/{other}", "own/incidents/999"):
        answer = send(api, f"/v1/households/{path}/cancel", "resident", body)
        assert answer.status_code == 404
    assert api.get("/v1/households/own/incidents", "operator").status_code == 403
    (row,) = conn.execute("SELECT state FROM incidents").fetchall()
    assert row["state"] != "cancelled"


def test_a_home_without_words_cancels_nothing(api, open_incident) -> None:
    incident = open_incident("own")
    path = f"/v1/households/own/incidents/{incident}/cancel"
    assert send(api, path, "resident", {"word": "blue bird"}).status_code == 403
    assert [row["state"] for row in shown(api)] == ["raised"]


def test_every_answer_that_shows_the_home_is_in_its_log(api, conn, open_incident) -> None:
    path = f"/v1/incidents/{open_incident('own')}"
    assert api.get(path, "operator").status_code == 200
    for _ in range(2):  # the same again changes nothing, and is a look all the same
        assert send(api, f"{path}/acknowledge").status_code == 200
    rows = conn.execute("SELECT actor, household_id FROM access_log WHERE action = 'incident'")
    assert [(row["actor"], row["household_id"]) for row in rows] == [("the-operator", "own")] * 3


def test_what_was_closed_stays_in_reach_for_an_hour(api, clock, open_incident) -> None:
    path = f"/v1/incidents/{open_incident('own')}"
    assert send(api, f"{path}/close", body={"disposition": "closed"}).status_code == 200
    clock.advance(3600)
    assert api.get(path, "operator").status_code == 200
    clock.advance(1)
    answer = api.get(path, "operator")
    assert (answer.status_code, "household_name" in answer.json()) == (403, False)
