"""Adding, listing and removing responders."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

from alerts import responders, rosters
from alerts.shifts import EVERY_DAY, Duty, WeeklyShift
from core.database import Connection
from core.errors import Conflict, NotFound, PermanentError
from tests.conftest import ManualClock
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration

CREW: dict[str, Any] = {
    "name": "Crew 1",
    "kind": "crew",
    "lat": 37.5,
    "lon": 127.0,
    "webhook_url": "https://crew.example/page",
}


def test_the_secret_is_told_once(conn: Connection, clock: ManualClock) -> None:
    made = responders.add(conn, "crew-1", **CREW, shift=(time(21), time(2, 30)), now=clock.now())
    assert len(made["webhook_secret"]) >= 43
    (listed,) = responders.list_all(conn)
    assert "webhook_secret" not in listed
    assert listed["name"] == "Crew 1"
    weekly = WeeklyShift(EVERY_DAY, time(21), time(2, 30))
    assert rosters.duties(conn, clock.now())["crew-1"] == Duty((weekly,))


def test_an_id_is_taken_until_it_is_removed(conn: Connection, clock: ManualClock) -> None:
    now = clock.now()
    first = responders.add(conn, "crew-1", **CREW, now=now)
    with pytest.raises(Conflict):
        responders.add(conn, "crew-1", **CREW, now=now)
    responders.remove(conn, "crew-1", now=now)
    assert responders.list_all(conn) == []
    with pytest.raises(NotFound):
        responders.remove(conn, "crew-1", now=now)
    again = responders.add(conn, "crew-1", **CREW, now=now)
    assert again["webhook_secret"] != first["webhook_secret"]
    assert len(responders.list_all(conn)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"kind": "dog"},
        {"lat": 91.0},
        {"lon": float("nan")},
        {"webhook_url": None},
        {"webhook_url": "crew.example"},
        {"webhook_url": None, "apprise_url": "nonsense"},
    ],
)
def test_who_could_never_be_reached_is_refused(
    wrong: dict[str, Any], conn: Connection, clock: ManualClock
) -> None:
    with pytest.raises(PermanentError):
        responders.add(conn, "crew-1", **CREW | wrong, now=clock.now())
    assert responders.list_all(conn) == []


def test_who_was_removed_is_paged_no_more(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    with story.database.transaction() as conn:
        responders.remove(conn, "first", now=story.clock.now())
    story.happens("sos.pressed")
    assert story.paged() == [(0.0, "second")]
