"""The signed archive of an incident over HTTP."""

from __future__ import annotations

import pytest

from alerts.export import public_key, signing_key
from alerts.export_check import check, read_public_key

from .conftest import KEY

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("role", ["supervisor", "officer", "administrator"])
def test_who_answers_for_the_service_exports(api, open_incident, conn, role: str) -> None:
    incident = open_incident("own")
    answer = api.get(f"/v1/incidents/{incident}/export", role)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert f"incident-{incident}.zip" in answer.headers["content-disposition"]
    manifest, problems = check(answer.content, read_public_key(public_key(signing_key(KEY))))
    assert (manifest["exported_by"], problems) == (f"the-{role}", [])
    (look,) = conn.execute("SELECT actor, action, household_id FROM access_log").fetchall()
    assert tuple(look.values()) == (f"the-{role}", "incident.export", "own")


@pytest.mark.parametrize("role", ["resident", "guardian", "operator", "technician"])
def test_nobody_else_does(api, open_incident, conn, role: str) -> None:
    incident = open_incident("own")
    assert api.get(f"/v1/incidents/{incident}/export", role).status_code == 403
    (look,) = conn.execute("SELECT actor, action FROM access_log").fetchall()
    assert tuple(look.values()) == (f"the-{role}", "refused")


def test_one_that_is_not_there(api) -> None:
    assert api.get("/v1/incidents/99/export", "administrator").status_code == 404
