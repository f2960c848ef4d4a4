"""A home's silence, its contacts, what devices are behind: who may, what is kept and told."""

from __future__ import annotations

import json
from datetime import time

import pytest

from alerts.audit import verify
from app.accounts.permissions import GRANTS, Right
from app.accounts.principal import Role
from gateway import registry
from households import caring
from households.care import CareRule

from .conftest import NOW, caller

pytestmark = pytest.mark.integration

WEBHOOK = {"name": "Her daughter", "webhook_url": "https://phone.example/tell?key=k3y"}


@pytest.fixture
def call(api):
    return caller(api, "supervisor")


@pytest.fixture
def devices(api, conn) -> None:
    for device, home, kind in (
        ("camera-own", "own", "camera"),
        ("button-own", "own", "button"),
        ("camera-other", "other", "camera"),
    ):
        registry.add_device(conn, device, household_id=home, kind=kind, now=NOW)


def log(conn) -> list[tuple[str, str, dict[str, object]]]:
    rows = conn.execute("SELECT actor, action, detail FROM access_log ORDER BY n").fetchall()
    kept = ("reason", "role", "district")
    return [
        (
            row["actor"],
            row["action"],
            {name: value for name, value in row["detail"].items() if name not in kept},
        )
        for row in rows
    ]


# care rules


def test_a_care_rule_is_read_agreed_and_ended(conn, call) -> None:
    assert call("GET", "/care").json() == {"rule": None}
    assert call("DELETE", "/care").status_code == 404
    agreed = call("PUT", "/care", "resident", json={"silent_after_h": 36, "waking_from": "05:30"})
    rule = {"silent_after_h": 36, "waking_from": "05:30", "waking_to": "22:00"}
    assert (agreed.status_code, agreed.json()) == (200, {"rule": rule})
    assert call("GET", "/care").json() == {"rule": rule}
    assert caring.rule_of(conn, "own") == CareRule(36, time(5, 30), time(22))
    assert call("DELETE", "/care").status_code == 204
    assert caring.rule_of(conn, "own") is None
    assert log(conn) == [
        ("the-supervisor", "care", {}),
        ("the-resident", "care", {"silent_after_h": 36, "waking": "05:30-22:00"}),
        ("the-supervisor", "care", {}),
        ("the-supervisor", "care", {"ended": True}),
    ]
    assert verify(conn) == []


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 422),
        ({"silent_after_h": 0}, 422),
        ({"silent_after_h": 241}, 422),
        ({"silent_after_h": 24, "waking_from": "7"}, 422),
        ({"silent_after_h": 24, "waking_to": "24:00"}, 422),
        ({"silent_after_h": 24, "waking_to": "07:00"}, 400),
    ],
)
def test_what_is_no_care_rule(conn, call, given, status) -> None:
    answer = call("PUT", "/care", json=given)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert caring.rule_of(conn, "own") is None


# contacts


def test_a_webhooks_secret_is_told_once_and_its_address_never(conn, call, caplog) -> None:
    made = call("POST", "/contacts", json=WEBHOOK)
    assert made.status_code == 201
    number, secret = made.json()["contact_id"], made.json()["webhook_secret"]
    kept = conn.execute("SELECT webhook_url, webhook_secret FROM home_contacts").fetchall()
    assert kept == [{"webhook_url": WEBHOOK["webhook_url"], "webhook_secret": secret}]
    listed = call("GET", "/contacts", "resident")
    (shown,) = listed.json()["items"]
    assert (shown["contact_id"], shown["name"], shown["channel"]) == (
        number,
        "Her daughter",
        "webhook",
    )
    everything = listed.text + json.dumps(log(conn)) + caplog.text
    assert secret not in everything
    assert "k3y" not in everything
    assert call("DELETE", f"/contacts/{number}", "resident").status_code == 204
    assert call("DELETE", f"/contacts/{number}", "resident").status_code == 404
    assert call("GET", "/contacts").json() == {"items": []}
    assert [(action, told) for _, action, told in log(conn)] == [
        ("contact.add", {"contact": number}),
        ("contacts", {}),
        ("contacts", {"removed": number}),
        ("contacts", {}),
    ]
    assert verify(conn) == []


def test_who_is_reached_by_apprise_has_no_secret(call) -> None:
    given = {"name": "Her son", "apprise_url": "ntfy://ntfy.example/t0pic"}
    assert call("POST", "/contacts", json=given).json()["webhook_secret"] is None
    assert call("GET", "/contacts").json()["items"][0]["channel"] == "apprise"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"name": "Nobody"}, 400),
        (WEBHOOK | {"apprise_url": "ntfy://x/y"}, 400),
        ({"name": "x", "webhook_url": "ftp://pass:word@x"}, 400),
        ({"name": "x", "apprise_url": "t0pic"}, 400),
        (WEBHOOK | {"name": " "}, 400),
        (WEBHOOK | {"name": ""}, 422),
        (WEBHOOK | {"name": "x\0"}, 422),
    ],
)
def test_what_is_no_contact(conn, call, given, status) -> None:
    answer = call("POST", "/contacts", json=given)
    assert answer.status_code == status
    assert "word" not in answer.text
    assert "t0pic" not in answer.text
    assert call("GET", "/contacts").json() == {"items": []}


def test_a_home_has_so_many_contacts(call) -> None:
    for _ in range(10):
        assert call("POST", "/contacts", json=WEBHOOK).status_code == 201
    assert call("POST", "/contacts", json=WEBHOOK).status_code == 409


def test_one_homes_contact_is_not_removed_from_another(call) -> None:
    number = call("POST", "/contacts", json=WEBHOOK).json()["contact_id"]
    assert call("DELETE", f"/v1/households/other/contacts/{number}").status_code == 404
    assert len(call("GET", "/contacts").json()["items"]) == 1


# behind


@pytest.mark.usefixtures("devices")
def test_a_device_is_put_behind_another_and_taken_back(conn, call) -> None:
    path = "/v1/devices/button-own/behind"
    put = call("PUT", path, "technician", json={"gateway": "camera-own"})
    assert (put.status_code, put.json()) == (200, {"gateway": "camera-own"})
    listed = call("GET", "/devices", "technician").json()["items"]
    assert [(one["device_id"], one["behind"]) for one in listed] == [
        ("button-own", "camera-own"),
        ("camera-own", None),
    ]
    assert call("DELETE", path, "administrator").status_code == 204
    (behind,) = conn.execute("SELECT behind FROM devices WHERE device_id = 'button-own'").fetchall()
    assert behind["behind"] is None
    assert [line for line in log(conn) if line[1] == "maintain"] == [
        ("the-technician", "maintain", {"device": "button-own", "behind": "camera-own"}),
        ("the-administrator", "maintain", {"device": "button-own", "behind": None}),
    ]


@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize(
    ("device", "gateway", "status"),
    [
        ("button-own", "button-own", 400),
        ("button-own", "nowhere", 404),
        ("nowhere", "camera-own", 404),
        ("button-own", "UPPER", 422),
    ],
)
def test_what_cannot_be_behind_what(conn, call, device, gateway, status) -> None:
    answer = call("PUT", f"/v1/devices/{device}/behind", "technician", json={"gateway": gateway})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert conn.execute("SELECT FROM devices WHERE behind IS NOT NULL").fetchone() is None


@pytest.mark.usefixtures("devices")
def test_a_gateway_of_another_district_is_refused_and_that_is_logged(api, conn, call) -> None:
    conn.execute("UPDATE households SET district = 'Gwanak-gu' WHERE household_id = 'other'")
    conn.execute("UPDATE users SET district = 'Mapo-gu' WHERE user_id = 'the-technician'")
    given = {"gateway": "camera-other"}
    answer = call("PUT", "/v1/devices/button-own/behind", "technician", json=given)
    assert answer.status_code == 403
    refused = conn.execute(
        "SELECT actor, household_id FROM access_log WHERE action = 'refused'"
    ).fetchall()
    assert refused == [{"actor": "the-technician", "household_id": "other"}]
    assert conn.execute("SELECT FROM devices WHERE behind IS NOT NULL").fetchone() is None
    assert call("PUT", "/v1/devices/button-own/behind", "administrator", json=given).is_success


# who may

ROUTES = (
    ("GET", "/care", Right.CARE, None),
    ("PUT", "/care", Right.CARE, {"silent_after_h": 24}),
    ("DELETE", "/care", Right.CARE, None),
    ("GET", "/contacts", Right.CONTACTS, None),
    ("POST", "/contacts", Right.ADD_CONTACT, WEBHOOK),
    ("DELETE", "/contacts/1", Right.CONTACTS, None),
)


@pytest.mark.parametrize(("method", "path", "right", "given"), ROUTES)
@pytest.mark.parametrize("role", Role)
def test_who_may(conn, call, open_incident, role, method, path, right, given) -> None:
    """An open incident gives no right to what a home has agreed."""
    open_incident("own")
    answer = call(method, path, role.value, json=given)
    lines = [(actor, action) for actor, action, _ in log(conn)]
    if role in GRANTS[right]:
        assert answer.is_success or answer.status_code == 404
        assert lines == ([(f"the-{role}", right.value)] if answer.is_success else [])
    else:
        assert answer.status_code == 403
        assert lines == [(f"the-{role}", "refused")]


@pytest.mark.parametrize(("method", "path", "right", "given"), ROUTES)
def test_out_of_the_district_and_of_the_own_home(conn, api, call, method, path, right, given):
    conn.execute("UPDATE households SET district = 'Gwanak-gu' WHERE household_id = 'other'")
    path = f"/v1/households/other{path}"
    assert call(method, path, "officer", json=given).status_code == 403
    hidden = call(method, path, "resident", json=given).status_code
    assert hidden == 404
    assert [line["household_id"] for line in conn.execute("SELECT * FROM access_log")] == [
        "other",
        "other",
    ]
    assert conn.execute("SELECT FROM home_contacts").fetchone() is None
    assert caring.rule_of(conn, "other") is None
