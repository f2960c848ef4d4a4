"""The roster over HTTP: read by staff, and nobody's illness is told."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from alerts import responders, rosters
from alerts.shifts import ChangeKind

from .conftest import NOW

pytestmark = pytest.mark.integration


def test_staff_reads_the_week(api) -> None:
    with api.desk.database.transaction() as conn:
        responders.add(
            conn,
            "guard-1",
            name="Guard",
            kind="guard",
            lat=37.5,
            lon=127.0,
            webhook_url="https://guard.example/",
            shift=(time(21), time(2, 30)),
            district="Jongno",
            now=NOW,
        )
        rosters.note_absence(
            conn,
            "guard-1",
            ChangeKind.SICK,
            start=NOW,
            end=NOW + timedelta(hours=2),
            noted_by="boss",
            now=NOW,
        )
    for role in ("operator", "administrator"):
        answer = api.get("/v1/rosters", role)
        assert answer.status_code == 200
        body = answer.json()
        (person,) = [one for one in body["people"] if one["responder_id"] == "guard-1"]
        assert (person["on_duty"], person["always"]) == (False, False)
        assert [change["kind"] for change in person["changes"]] == ["away"]
        assert len(person["periods"]) >= 7
        assert {night["guards"] for night in body["short"]} == {1}
        assert len(body["short"]) == 5
        assert "sick" not in answer.text


def test_a_resident_does_not(api) -> None:
    assert api.get("/v1/rosters", "resident").status_code == 403
    assert api.client.get("/v1/rosters").status_code == 401


def test_a_district_reads_its_own_week(api) -> None:
    with api.desk.database.transaction() as conn:
        for name, district in (("near", "Mapo-gu"), ("far", "Jongno-gu"), ("all", "")):
            responders.add(
                conn,
                name,
                name=name,
                kind="guard",
                lat=37.5,
                lon=127.0,
                webhook_url="https://guard.example/",
                shift=(time(21), time(2, 30)),
                district=district,
                now=NOW,
            )
    officer = api.get("/v1/rosters", "officer").json()
    assert {one["responder_id"] for one in officer["people"]} == {"near", "all"}
    assert {night["district"] for night in officer["short"]} == {"Mapo-gu", ""}
    everywhere = api.get("/v1/rosters", "administrator").json()
    assert {one["responder_id"] for one in everywhere["people"]} == {"near", "far", "all"}
    assert {night["district"] for night in everywhere["short"]} == {"Mapo-gu", "Jongno-gu", ""}


def test_another_week(api) -> None:
    body = api.get("/v1/rosters", "operator", day="2026-03-08").json()
    assert (body["first_day"], body["people"]) == ("2026-03-02", [])


def test_who_can_be_sent_now(api) -> None:
    with api.desk.database.transaction() as conn:
        for name, district in (("near", "Mapo-gu"), ("far", "Jongno-gu"), ("all", "")):
            responders.add(
                conn,
                name,
                name=name,
                kind="crew",
                lat=37.5,
                lon=127.0,
                webhook_url="https://crew.example/",
                district=district,
                now=NOW,
            )
    body = api.get("/v1/responders", "operator").json()["items"]
    assert {one["responder_id"]: one["status"] for one in body} == dict.fromkeys(
        ("near", "far", "all"), "free"
    )
    assert all(one["position"] is None for one in body)
    body = api.get("/v1/responders", "officer").json()["items"]
    assert {one["responder_id"] for one in body} == {"near", "all"}
    assert api.get("/v1/responders", "resident").status_code == 403
