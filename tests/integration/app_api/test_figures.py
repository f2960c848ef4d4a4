"""Figures over HTTP: who may read them, in which form, and what a bad question is told."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from .conftest import NOW

pytestmark = pytest.mark.integration


def test_staff_reads_the_figures(api, open_incident) -> None:
    open_incident("own")
    api.desk.clock.advance(60)
    for role in ("operator", "administrator"):
        answer = api.get("/v1/figures", role)
        assert answer.status_code == 200
        body = answer.json()
        assert {one["step"] for one in body["steps"]} == {"commit"}
        assert body["steps"][0]["kind"] == "sos"
        missed = next(one for one in body["norms"] if one["source"] == "NENA")
        assert (missed["n"], missed["kept"], missed["met"]) == (1, 0, False)


def test_an_officer_reads_those_of_the_own_district(api, conn, open_incident) -> None:
    open_incident("own")
    api.desk.clock.advance(60)
    assert api.get("/v1/figures", "officer").json()["steps"]
    conn.execute("UPDATE households SET district = 'Gwanak-gu'")
    body = api.get("/v1/figures", "officer").json()
    assert body["steps"] == []
    assert all(one["n"] == 0 for one in body["norms"])
    assert api.get("/v1/figures", "supervisor").json()["steps"]


def test_a_resident_does_not(api) -> None:
    assert api.get("/v1/figures", "resident").status_code == 403
    assert api.client.get("/v1/figures").status_code == 401


def test_as_csv(api, open_incident) -> None:
    open_incident("own")
    api.desk.clock.advance(60)
    answer = api.get("/v1/figures", "operator", format="csv", by=["kind", "month"])
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["kind"], row["month"], row["step"], row["n"]) == ("sos", "2026-11", "commit", "1")
    assert row["district"] == ""


@pytest.mark.parametrize(
    ("days", "status"), [(0, 400), (-1, 400), (400, 200), (400.001, 400), (1, 200)]
)
def test_the_span_has_limits(api, days: float, status: int) -> None:
    since = (NOW - timedelta(days=days)).isoformat()
    answer = api.get("/v1/figures", "operator", **{"from": since, "to": NOW.isoformat()})
    assert answer.status_code == status


def test_an_unknown_cut_is_refused(api) -> None:
    assert api.get("/v1/figures", "operator", by="house").status_code == 422
