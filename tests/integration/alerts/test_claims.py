"""What a dead process was sending is sent by another at once, what a living one holds is not."""

from __future__ import annotations

import time

import pytest

from alerts import incidents
from alerts.paging.delivery import (
    LEASE_S,
    UNKNOWN,
    Result,
    claim,
    hold_claims,
    record,
    release_claims,
)
from core.database import Connection, Database
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


def _claim(story: Story, claimer: int | None) -> list[str]:
    with story.database.transaction() as conn:
        taken = claim(conn, now=story.clock.now(), settings=SETTINGS, limit=10, claimer=claimer)
    return [one.page.responder_id for one in taken]


def _release(story: Story) -> int:
    with story.database.transaction() as conn:
        return release_claims(conn, now=story.clock.now())


def _release_soon(story: Story) -> None:
    """The server notices the end of a connection within moments, not at once."""
    end_s = time.monotonic() + 5
    while _release(story) == 0:
        assert time.monotonic() < end_s, "its lease is not over, but it is dead"
        time.sleep(0.02)


def test_claims_end_with_the_connection_of_who_made_them(story: Story, database: Database) -> None:
    story.responder("near")
    with story.database.transaction() as conn:
        incidents.on_event(
            conn, story.event("sos.pressed"), now=story.clock.now(), settings=SETTINGS
        )
    living = database.listener()
    dying = database.listener()
    hold_claims(living)
    assert _claim(story, hold_claims(dying)) == ["near"]
    assert _release(story) == 0
    dying.close()
    story.clock.advance(1)
    _release_soon(story)
    assert _claim(story, None) == ["near"]
    living.close()


def test_a_claim_without_a_number_is_held_by_its_lease_alone(story: Story) -> None:
    story.responder("near")
    with story.database.transaction() as conn:
        incidents.on_event(
            conn, story.event("sos.pressed"), now=story.clock.now(), settings=SETTINGS
        )
    assert _claim(story, None) == ["near"]
    assert _release(story) == 0
    assert _claim(story, None) == []
    story.clock.advance(LEASE_S + 1)
    assert _claim(story, None) == ["near"]


def test_what_may_have_gone_out_says_so_when_nobody_waits_for_it_any_more(
    story: Story, database: Database
) -> None:
    """Killed between send and record; by then the incident was closed."""
    story.responder("near")
    with story.database.transaction() as conn:
        incident_id = incidents.on_event(
            conn, story.event("sos.pressed"), now=story.clock.now(), settings=SETTINGS
        )
    assert incident_id is not None
    dying = database.listener()
    assert _claim(story, hold_claims(dying)) == ["near"]
    with story.database.transaction() as conn:
        incidents.close(conn, incident_id, actor="kim", now=story.clock.now(), outcome="closed")
    dying.close()
    _release_soon(story)
    assert _claim(story, None) == ["near"], "the word that they are not needed"
    with story.database.transaction() as conn:
        rows = conn.execute(
            "SELECT message, state, last_error FROM deliveries ORDER BY delivery_id"
        ).fetchall()
    assert [(row["message"], row["state"]) for row in rows] == [
        ("page", "dropped"),
        ("stand_down", "queued"),
    ]
    assert rows[0]["last_error"] == UNKNOWN


@pytest.mark.parametrize("again_after_s", [1.0, None], ids=["temporary", "permanent"])
def test_what_may_have_gone_out_says_so_when_a_later_attempt_fails(
    story: Story, database: Database, again_after_s: float | None
) -> None:
    story.responder("near")
    with story.database.transaction() as conn:
        incidents.on_event(
            conn, story.event("sos.pressed"), now=story.clock.now(), settings=SETTINGS
        )
    dying = database.listener()
    _claim(story, hold_claims(dying))
    dying.close()
    _release_soon(story)
    for error in ("refused", "refused again"):
        story.clock.advance(2)
        with story.database.transaction() as conn:
            now = story.clock.now()
            for taken in claim(conn, now=now, settings=SETTINGS, limit=10, claimer=None):
                record(conn, taken, Result(error, again_after_s), now=now, settings=SETTINGS)
    with story.database.transaction() as conn:
        row = conn.execute("SELECT state, last_error FROM deliveries").fetchone()
    expected = ("failed", "refused") if again_after_s is None else ("queued", "refused again")
    assert row == {"state": expected[0], "last_error": f"{UNKNOWN}; then: {expected[1]}"}


def test_a_lease_does_not_wait_for_the_disk_and_what_came_of_it_does(story: Story) -> None:
    """What is lost with a database that dies is sent again; that it was sent must not be lost."""
    story.responder("near")
    with story.database.transaction() as conn:
        incidents.on_event(
            conn, story.event("sos.pressed"), now=story.clock.now(), settings=SETTINGS
        )
        assert _waits_for_the_disk(conn)
    with story.database.transaction() as conn:
        (claimed,) = claim(conn, now=story.clock.now(), settings=SETTINGS, limit=10)
        assert not _waits_for_the_disk(conn)
    with story.database.transaction() as conn:
        record(conn, claimed, Result(), now=story.clock.now(), settings=SETTINGS)
        assert _waits_for_the_disk(conn)


def _waits_for_the_disk(conn: Connection) -> bool:
    row = conn.execute("SELECT current_setting('synchronous_commit') AS kind").fetchone()
    assert row is not None
    return bool(row["kind"] != "off")
