"""SOS, responders' answers, health, documentation, and a database that is away."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from alerts import incidents, responders
from alerts.links import page_token
from core.catalogue import Source
from core.database import Database
from core.model import Event

from .conftest import KEY, NOW

pytestmark = pytest.mark.integration


def test_the_same_key_is_the_same_call(api) -> None:
    first, again = (
        api.post("/v1/households/own/sos", **{"Idempotency-Key": "press-1"}) for _ in range(2)
    )
    other = api.post("/v1/households/own/sos", **{"Idempotency-Key": "press-2"})
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 201]
    assert first.json() == {
        "event_at": "2026-11-22T03:00:00Z",
        "incident_id": None,
        "state": "raised",
    }
    seqs = [seq for _home, _actor, seq in api.calls.seen]
    assert seqs[0] == seqs[1] != seqs[2]
    assert all(0 <= seq < 2**63 for seq in seqs)


@pytest.fixture
def page(api, conn) -> tuple[int, str]:
    """The first of two responders is paged; returns the incident and the link's token."""
    for number, name in enumerate(("near", "far")):
        responders.add(
            conn,
            name,
            name=name.title(),
            kind="crew",
            lat=37.5 + 0.01 * number,
            lon=127,
            webhook_url="http://127.0.0.1:1/",
            now=NOW,
        )
    event = Event("own", NOW, "button-1", 1, Source.DEVICE, "sos.pressed", NOW)
    with conn.transaction():
        incident = incidents.on_event(conn, event, now=NOW, settings=api.desk.settings)
    row = conn.execute("SELECT page_id FROM pages").fetchone()
    assert incident is not None
    assert row is not None
    return incident, page_token(KEY, row["page_id"])


def test_a_responder_answers(api, conn, page) -> None:
    _incident, token = page
    accepted = api.client.post(f"/v1/pages/{token}/accept")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    assert accepted.json()["incident_state"] == "accepted"
    assert api.client.post(f"/v1/pages/{token}/accept").json() == accepted.json()
    arrived = api.client.post(f"/v1/pages/{token}/arrived")
    assert (arrived.json()["state"], arrived.json()["incident_state"]) == ("arrived", "arrived")


@pytest.mark.parametrize(("mark", "answered"), [(".a", "apprise"), (".w", "webhook"), ("", None)])
def test_the_delivery_is_answered_whose_link_was_used(api, conn, page, mark, answered) -> None:
    _incident, token = page
    conn.execute(
        "INSERT INTO deliveries (page_id, channel, message, state, next_attempt_at)"
        " SELECT page_id, 'apprise', 'page', 'sent', %s FROM pages",
        (NOW,),
    )
    conn.execute("UPDATE deliveries SET state = 'sent' WHERE channel = 'webhook'")
    assert api.client.post(f"/v1/pages/{token}{mark}/accept").status_code == 200
    rows = conn.execute("SELECT channel, state FROM deliveries WHERE message = 'page'").fetchall()
    states = {row["channel"]: row["state"] for row in rows}
    wanted = dict.fromkeys(("apprise", "webhook"), "sent")
    assert states == (wanted | {answered: "answered"} if answered else wanted)


def test_a_decline_pages_the_next(api, conn, page) -> None:
    _incident, token = page
    answer = api.client.post(f"/v1/pages/{token}/decline", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/page/{token}"
    rows = conn.execute("SELECT responder_id, state FROM pages ORDER BY page_id").fetchall()
    assert [(row["responder_id"], row["state"]) for row in rows] == [
        ("near", "declined"),
        ("far", "planned"),
    ]


def test_only_post_answers_and_only_our_links(api, conn, page) -> None:
    incident, token = page
    assert api.client.get(f"/v1/pages/{token}/accept").status_code in (404, 405)
    assert api.client.post(f"/v1/pages/{token[:-1]}A/accept").status_code == 404
    assert api.client.post("/v1/pages/1.nonsense/accept").status_code == 404
    with conn.transaction():
        incidents.close(
            conn, incident, actor="somebody", now=NOW, outcome="false_alarm", cause="unknown"
        )
    late = api.client.post(f"/v1/pages/{token}/accept")
    assert late.status_code == 409
    assert late.headers["content-type"] == "application/problem+json"


def test_health_metrics_and_documentation(api) -> None:
    assert api.client.get("/healthz").json() == {"ok": True}
    assert api.client.get("/metrics").status_code == 404  # this peer is no loopback
    docs = api.client.get("/docs").text
    assert "https://" not in docs
    assert api.client.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200
    paths = api.client.get("/openapi.json").json()["paths"]
    assert "/v1/households/{id}/events" in paths
    assert "bearer" in json.dumps(api.client.get("/openapi.json").json()["components"]).lower()
    unknown = api.client.get("/v1/nothing")
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"


def test_a_database_that_is_away(api) -> None:
    away = Database("host=127.0.0.1 port=1 user=nobody", application="away", max_size=1)
    object.__setattr__(api.desk, "database", away)  # not opened: refuses every borrower at once
    for path in ("/healthz", "/v1/households/own/events"):
        answer = api.get(path)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["content-type"] == "application/problem+json"
        assert "port" not in answer.text


def test_a_page_link_is_in_no_log(api) -> None:
    away = Database("host=127.0.0.1 port=1 user=nobody", application="away", max_size=1)
    object.__setattr__(api.desk, "database", away)
    token = page_token(KEY, 7)
    with capture_logs() as logs:
        assert api.client.post(f"/v1/pages/{token}/accept").status_code == 503
    assert [line["route"] for line in logs] == ["/v1/pages/{token}/accept"]
    assert token not in str(logs)
