"""Who sees which home: route by role by own or other home, and the log of every look."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import incidents
from alerts.audit import verify
from app.accounts.tokens import issue_token
from app.accounts.users import add_user, remove_user
from core.objects import sha256_hex

from .conftest import NOW

pytestmark = pytest.mark.integration

JPEG = b"\xff\xd8\xff a picture"
ROUTES = ("events", "devices", f"evidence/{sha256_hex(JPEG)}", "views")


@pytest.fixture
def evidence(api, put_event) -> None:
    api.desk.objects.put("evidence/1.jpg", JPEG)
    for number, home in enumerate(("own", "other")):
        listed = f'{{"evidence": [{{"key": "evidence/1.jpg", "sha256": "{sha256_hex(JPEG)}"}}]}}'
        put_event(home, NOW, number, event_type="loiter.started", source="detector", data=listed)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("role", "home", "incident", "status"),
    [
        ("resident", "own", False, 200),
        ("resident", "other", False, 404),
        ("resident", "other", True, 404),
        ("resident", "nowhere", False, 404),
        ("operator", "own", False, 403),
        ("operator", "own", True, 200),
        ("operator", "nowhere", False, 403),
        ("administrator", "own", False, 403),
        ("administrator", "own", True, 403),
        ("guardian", "own", True, 403),
        ("supervisor", "own", False, 403),
        ("supervisor", "own", True, 200),
        ("officer", "own", True, 403),
    ],
)
@pytest.mark.usefixtures("evidence")
def test_reading_a_home(api, conn, open_incident, route, role, home, incident, status) -> None:
    if incident:
        open_incident(home)
    expected = 403 if route == "views" and role != "resident" else status
    answer = api.get(f"/v1/households/{home}/{route}", role)
    assert answer.status_code == expected
    looks = conn.execute("SELECT actor, action, household_id, detail FROM access_log").fetchall()
    if expected == 200:
        assert [(look["actor"], look["household_id"]) for look in looks] == [(f"the-{role}", home)]
        assert looks[0]["action"] == route.split("/")[0]
        assert looks[0]["detail"]["reason"] == ("open incident" if incident else "own home")
    else:
        wanted = route.split("/")[0]
        assert [(look["actor"], look["action"]) for look in looks] == [(f"the-{role}", "refused")]
        assert looks[0]["household_id"] == home
        assert looks[0]["detail"] == {"right": wanted, "role": role}
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == expected
    assert verify(conn) == []


@pytest.mark.parametrize(
    ("role", "home", "status"),
    [
        ("resident", "own", 201),
        ("resident", "other", 404),
        ("operator", "own", 403),
        ("administrator", "own", 403),
    ],
)
def test_calling_for_help(api, open_incident, role, home, status) -> None:
    open_incident(home)
    assert api.post(f"/v1/households/{home}/sos", role).status_code == status
    assert len(api.calls.seen) == (status == 201)


def test_an_operator_loses_sight_when_the_incident_is_closed(api, conn, open_incident) -> None:
    incident = open_incident("own")
    assert api.get("/v1/households/own/events", "operator").status_code == 200
    with conn.transaction():
        incidents.close(conn, incident, actor="the-operator", now=NOW, outcome="closed")
    assert api.get("/v1/households/own/events", "operator").status_code == 403


def test_a_removed_home_is_gone(api, conn) -> None:
    conn.execute("UPDATE households SET removed_at = now() WHERE household_id = 'own'")
    assert api.get("/v1/households/own/events").status_code == 404


def test_residents_read_who_looked(api, open_incident) -> None:
    open_incident("own")
    api.get("/v1/households/own/devices", "operator")
    api.get("/v1/households/own/views")  # a look is logged after it, so the next one shows it
    views = api.get("/v1/households/own/views").json()["items"]
    assert [(view["actor"], view["action"]) for view in views] == [
        ("the-resident", "views"),
        ("the-operator", "devices"),
    ]


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic YTpi", "Bearer "])
def test_without_a_good_token(api, header) -> None:
    headers = {"Authorization": header} if header else {}
    answer = api.client.get("/v1/households/own/events", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_ends(api, conn, clock) -> None:
    api.tokens["short"] = issue_token(conn, "the-resident", clock.now(), days=1)
    clock.advance(timedelta(hours=23).total_seconds())
    assert api.get("/v1/households/own/events", "short").status_code == 200
    clock.advance(timedelta(hours=1).total_seconds())
    assert api.get("/v1/households/own/events", "short").status_code == 401


def test_tokens_die_with_their_user_and_stay_dead(api, conn, clock) -> None:
    remove_user(conn, "the-resident", clock.now())
    assert api.get("/v1/households/own/events").status_code == 401
    add_user(conn, "the-resident", "resident", ["own"])
    assert api.get("/v1/households/own/events").status_code == 401


def test_evidence_that_was_changed_is_not_shown(api, evidence) -> None:
    path = f"/v1/households/own/evidence/{sha256_hex(JPEG)}"
    assert api.get(path).content == JPEG
    api.desk.objects.put("evidence/1.jpg", JPEG + b"!")
    answer = api.get(path)
    assert answer.status_code == 400
    assert "digest" in answer.json()["detail"]
