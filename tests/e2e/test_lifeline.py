"""The database is stopped, buttons are pressed, the alarms process is killed; all comes in once."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from app.bench.alarm_stage import Size, Stage, staged
from app.bench.lifeline import bench, knows_all
from app.bench.lifeline_people import People
from app.bench.testbed import How, OwnDatabase
from app.site import Site
from tests.e2e.conftest import eventually


def test_presses_without_a_database_are_paged_and_recorded_once() -> None:
    found = bench(Site(), presses=5, away_s=4.0, how=How.STOPPED, kill=True)
    assert found["acked"] == found["incidents"] == 5, found
    assert found["lost"] == found["pages_unrecorded"] == found["pages_doubled"] == 0, found
    assert found["audit_problems"] == []
    assert found["people_ok"], found["people"]


def test_a_call_from_the_app_needs_neither_database_nor_broker() -> None:
    with ExitStack() as ending:
        folder = Path(tempfile.mkdtemp(prefix="doorguard-e2e-"))
        folder.chmod(0o711)
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        database = OwnDatabase(folder)
        database.start()
        ending.callback(database.stop)
        size = Size(homes=1, loaders=0, cameras=0)
        stage = ending.enter_context(staged(database.dsn, size))
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
