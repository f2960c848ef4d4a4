"""Handing over by telephone, over HTTP: step by step, logged, and never half taken."""

from __future__ import annotations

import pytest

from alerts import board
from alerts.lifecycle import Move, replay

pytestmark = pytest.mark.integration


def post(api, path: str, role: str = "operator", **body: object):
    headers = {"Authorization": f"Bearer {api.tokens[role]}"}
    return api.client.post(path, headers=headers, json=body)


def test_a_call_to_the_ambulance(api, open_incident) -> None:
    incident = open_incident("own")
    calls = f"/v1/incidents/{incident}/calls"
    begun = post(api, calls, service="fire")
    assert begun.status_code == 200
    body = begun.json()
    assert (body["number"], body["done"], body["outcome"]) == ("119", [], None)
    assert body["steps"][0] == {"name": "where", "needed": True}
    again = post(api, calls, service="fire").json()
    assert again["call_id"] == body["call_id"], "one call with a service at a time"
    one = f"{calls}/{body['call_id']}"
    early = post(api, f"{one}/end", outcome="taken", spoken_to="Kim")
    assert early.status_code == 409
    assert "where" in early.json()["detail"]
    for step in body["steps"]:
        if step["needed"]:
            assert post(api, f"{one}/steps/{step['name']}", done=True).status_code == 200
    assert post(api, f"{one}/steps/where", done=False).json()["done"].count("where") == 0
    assert post(api, f"{one}/steps/where", done=True).status_code == 200
    assert post(api, f"{one}/steps/dance", done=True).status_code == 404
    nobody = post(api, f"{one}/end", outcome="taken")
    assert (nobody.status_code, "who took" in nobody.json()["detail"]) == (409, True)
    ended = post(api, f"{one}/end", outcome="taken", spoken_to="Kim", reference="119-77")
    assert ended.json()["outcome"] == "taken"
    assert post(api, f"{one}/steps/where", done=False).status_code == 409
    (listed,) = api.get(calls, "operator").json()["items"]
    assert (listed["reference"], listed["ended_by"]) == ("119-77", "the-operator")
    with api.desk.database.transaction() as conn:
        card = board.card(conn, incident)
    lines = [line for line in card.timeline if line.move == "hand_over"]
    assert lines[0].detail["step"] == "begun"
    assert lines[-1].detail["note"] == "119 · Kim · 119-77"
    assert {line.actor for line in lines} == {"the-operator"}
    assert replay(Move(line.move) for line in card.timeline) is card.state


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("", {"service": "army"}, 422),
        ("/999/end", {"outcome": "taken"}, 404),
        ("/999/end", {"outcome": "maybe"}, 422),
        ("/999/steps/where", {"done": True}, 404),
    ],
)
def test_what_is_refused(api, open_incident, path: str, body: dict, status: int) -> None:
    incident = open_incident("own")
    assert post(api, f"/v1/incidents/{incident}/calls{path}", **body).status_code == status


def test_who_may(api, open_incident) -> None:
    incident = open_incident("own")
    assert post(api, f"/v1/incidents/{incident}/calls", "resident", service="fire").status_code in {
        403,
        404,
    }
