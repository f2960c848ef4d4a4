"""The database is stopped, buttons are pressed, the alarms process is killed; all comes in once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np

from alerts import audit, responders
from alerts.lifeline.roster import roster_file
from app.bench.alarm_stage import Size, Stage, staged
from app.bench.lifeline import bench, knows_all
from app.bench.lifeline_people import People
from app.bench.testbed import How, OwnDatabase
from app.provision import simulated
from app.site import Site
from core.clock import SystemClock
from core.errors import TemporaryError
from gateway import registry
from simulators.connection import Credentials
from simulators.responder_pager import ResponderPager, Rung
from tests.e2e.conftest import eventually

BEFORE = "bench-001"  # the home of whoever pressed before the database went away


def test_presses_without_a_database_are_paged_and_recorded_once() -> None:
    found = bench(Site(), presses=5, away_s=4.0, how=How.STOPPED, kill=True)
    assert found["acked"] == found["incidents"] == 5, found
    assert found["lost"] == found["pages_unrecorded"] == found["pages_doubled"] == 0, found
    assert found["audit_problems"] == []
    assert found["people_ok"], found["people"]


@contextmanager
def _with_a_database_to_stop(homes: int) -> Iterator[tuple[Stage, OwnDatabase, ExitStack]]:
    with ExitStack() as ending:
        folder = Path(tempfile.mkdtemp(prefix="doorguard-e2e-"))
        folder.chmod(0o711)
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        database = OwnDatabase(folder)
        database.start()
        ending.callback(database.stop)
        size = Size(homes=homes, loaders=0, cameras=0)
        yield ending.enter_context(staged(database.dsn, size)), database, ending


def test_a_call_from_the_app_needs_neither_database_nor_broker() -> None:
    with _with_a_database_to_stop(homes=1) as (stage, database, _):
        people = People(stage)
        eventually(lambda: knows_all(stage), 40, "every process has a roster")
        eventually(lambda: _calls_are_known(stage), 40, "the app knows who may call")
        stage.services.supervisor.remove("broker")
        database.stop()
        people.call()
        assert people.told["call_status"] == [201, 200], people.told
        assert people.told["call_mode"] == ["lifeline", "lifeline"]
        assert people.told["call_paged_ms"] is not None
        assert people.told["stranger_status"] == 401
        database.start()


def _calls_are_known(stage: Stage) -> bool:
    state = stage.services.settings.state_folder
    return any(file.stat().st_size > 100 for file in state.glob("lifeline*/callers"))


def test_a_whole_job_by_pager_and_link_needs_no_database() -> None:
    with _with_a_database_to_stop(homes=3) as (stage, database, ending):
        people = People(stage)
        pager = ResponderPager(_pager_of(stage, "bench-responder-0"))
        pager.start()
        ending.callback(pager.stop)
        eventually(lambda: _pager_is_known(stage), 70, "every process knows the pager")
        eventually(lambda: _calls_are_known(stage), 40, "the app knows who may call")
        assert pager.wait_online(20)
        before = _on_the_way(stage, pager)
        database.stop()
        assert _kept(before) == [202, 202]
        people.call()  # which the app carries
        stage.buttons[0].press()  # which the alarms process carries
        rung = {}
        for home in (stage.homes[0], stage.homes[-1]):
            page = pager.wait(partial(_of_home, home), 15)
            assert page is not None, home
            pager.answer(page.page_id, "accept")
            assert pager.wait(lambda one, page=page: one is page and "accept" in one.states, 15)
            assert page.states["accept"] == "accepted", home
            rung[home] = page
        for page in rung.values():
            _does_the_job(page.body["page_url"])
        database.start()
        rung[BEFORE] = before
        for home, page in rung.items():
            row = eventually(lambda home=home: _done(stage, home), 40, f"{home} is brought in")
            assert (row["page_id"], row["n"], row["photos"]) == (page.page_id, 1, 1)
        assert len(pager.pages) == len(stage.homes)
        assert all(page.repeats == 0 for page in pager.pages)
        with stage.services.database.transaction() as conn:
            assert audit.verify(conn) == []


def _pager_of(stage: Stage, responder_id: str) -> Credentials:
    with stage.services.database.transaction() as conn:
        made = registry.add_device(
            conn, "pager-1", household_id=None, kind="pager", now=SystemClock().now()
        )
        responders.give_device(conn, responder_id, "pager-1")
    return simulated(made, stage.services.settings)


def _on_the_way(stage: Stage, pager: ResponderPager) -> Rung:
    """A job that began before the database went away."""
    stage.buttons[1].press()
    page = pager.wait(partial(_of_home, BEFORE), 15)
    assert page is not None
    pager.answer(page.page_id, "accept")
    assert pager.wait(lambda one: one is page and one.states.get("accept") == "accepted", 15)
    return page


def _kept(page: Rung) -> list[int]:
    """Say by its link, of which nobody alive knows how it stands, that it is done."""
    api = page.body["page_url"].replace("/page/", "/v1/pages/")
    with httpx.Client(trust_env=False, timeout=10.0) as client:
        seen = client.get(page.body["page_url"])
        assert (seen.status_code, seen.text.count("<form")) == (503, 5)
        steps = [client.post(f"{api}/arrived")]
        files = {"photo": ("door.jpg", _picture(), "image/jpeg")}
        steps.append(client.post(f"{api}/done", data={"finding": "nobody"}, files=files))
        return [step.status_code for step in steps]


def _picture() -> bytes:
    taken, picture = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))
    assert taken
    return picture.tobytes()


def _does_the_job(page_url: str) -> None:
    """On the way, there, and done with a photo, by the link, as a browser would."""
    api = page_url.replace("/page/", "/v1/pages/")
    form = {"data": {"finding": "helped", "note": "she had fallen"}}
    with httpx.Client(trust_env=False, timeout=10.0) as client:
        for step, after in (("departed", "en_route"), ("arrived", "arrived")):
            assert client.post(f"{api}/{step}").json()["incident_state"] == after
        assert f"{page_url.rpartition('/')[2]}/done" in client.get(page_url).text
        shared = client.post(f"{api}/sharing")
        assert shared.status_code == 503, "a position waits for nothing: it is not shared"
        files = {"photo": ("door.jpg", _picture(), "image/jpeg")}
        refused = client.post(f"{api}/done", data={"finding": "nonsense"}, files=files)
        assert refused.status_code == 400
        done = client.post(f"{api}/done", **form, files=files)
        assert (done.status_code, done.json()["state"]) == (200, "done")
        assert client.get(api).json()["over"]


def _of_home(home: str, page: Rung) -> bool:
    return bool(page.body["household"]["name"] == home)


def _pager_is_known(stage: Stage) -> bool:
    settings = stage.services.settings
    held = [one for one in settings.state_folder.glob("lifeline*") if (one / "journal").exists()]
    rosters = [roster_file(one, settings.service_key).read() for one in held]
    known = [
        any(one.device_id for one in roster.responders.values()) for roster in rosters if roster
    ]
    return len(known) > 1 and all(known)


def _done(stage: Stage, home: str) -> dict[str, Any] | None:
    with suppress(TemporaryError), stage.services.database.transaction() as conn:
        return conn.execute(
            "SELECT min(p.page_id) AS page_id, count(*) AS n, count(f.sha256) AS photos"
            " FROM pages p JOIN incidents i USING (incident_id)"
            " LEFT JOIN page_photos f USING (page_id)"
            " WHERE i.household_id = %s HAVING min(p.state) = 'done'",
            (home,),
        ).fetchone()
    return None
