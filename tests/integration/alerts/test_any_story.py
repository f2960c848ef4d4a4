"""Whatever people, devices and time do to incidents in whatever order: the log tells it all.

After each step the log replays to the state, the chain is whole, and what was refused has left
nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import audit, incidents, pages
from alerts.cancelling import cancel
from alerts.code_words import Meaning
from alerts.lifecycle import CLOSED_STATES, MOVES, Move, State, replay
from alerts.paging.delivery import claim
from alerts.transition import apply, lock
from core.database import Connection, Database
from core.errors import DoorGuardError, IllegalMove, PermanentError, TemporaryError
from tests.conftest import NOON, ManualClock, PostgresServer
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration
WHO = ("first", "second", "third")
OPERATORS = ("kim", "lee")
EVENTS = (
    "sos.pressed", "sos.cancelled", "duress.pressed", "loiter.started", "loiter.updated",
    "loiter.ended", "door.forced", "tamper.opened", "tamper.restored", "camera.covered",
    "battery.low", "battery.restored", "inactivity.raised", "door.unlocked",
)  # fmt: skip


def on_page(name: str) -> Callable[[Story, Connection, int], object]:
    def act(story: Story, conn: Connection, page_id: int) -> object:
        now, given = story.clock.now(), {"now": story.clock.now(), "settings": story.settings}
        if name in ("accept", "decline"):
            return pages.answer(conn, page_id, accept=name == "accept", **given)  # type: ignore[arg-type]
        return {"arrive": pages.arrive, "depart": pages.depart}[name](conn, page_id, now=now)

    return act


def on_incident(name: str, actor: str) -> Callable[[Story, Connection, int], object]:
    def act(story: Story, conn: Connection, incident_id: int) -> object:
        who: dict[str, Any] = {"actor": actor, "now": story.clock.now()}
        if name == "dispatch":
            return incidents.dispatch(conn, incident_id, settings=story.settings, **who)
        if name == "close":
            return incidents.close(conn, incident_id, outcome="closed", **who)
        if name == "false":
            return incidents.close(conn, incident_id, outcome="false_alarm", cause="animal", **who)
        if name == "reopen":
            return incidents.reopen(conn, incident_id, why="a second look", **who)
        if name == "level":
            return incidents.set_level(conn, incident_id, level=4, why="heard a cry", **who)
        if name == "note":
            return incidents.add_note(conn, incident_id, note="rang twice", **who)
        plain = {
            "acknowledge": incidents.acknowledge,
            "take_over": incidents.take_over,
            "verify": incidents.verify,
        }
        return plain[name](conn, incident_id, **who)

    return act


STEPS = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(EVENTS)),
    st.tuples(st.just("wait"), st.sampled_from((1, 15, 61, 400, 1600))),
    st.tuples(st.just("page"), st.sampled_from(("accept", "decline", "arrive", "depart"))),
    st.tuples(
        st.sampled_from(OPERATORS),
        st.sampled_from(
            ("acknowledge", "take_over", "verify", "dispatch", "close", "false", "reopen",
             "level", "note")
        ),
    ),
    st.tuples(st.just("word"), st.sampled_from((*Meaning, None))),
    st.tuples(st.just("pager"), st.sampled_from((TemporaryError("x"), PermanentError("x")))),
)  # fmt: skip


@contextmanager
def a_story(server: PostgresServer) -> Iterator[Story]:
    dsn = server.clone()
    database = Database(dsn, application="any-story")
    database.open()
    try:
        yield Story(database, ManualClock(NOON))
    finally:
        database.close()
        server.drop(dsn)


def play(story: Story, actor: str, what: Any, number: int) -> None:
    if actor == "event":
        story.happens(what)
    elif actor == "wait":
        story.wait(what)
    elif actor == "pager":
        story.pagers.fail(WHO[number % 3], what)
    elif actor == "page":
        ids = [row["page_id"] for row in story.table("SELECT page_id FROM pages ORDER BY 1")]
        if ids:
            with story.database.transaction() as conn:
                on_page(what)(story, conn, ids[number % len(ids)])
    else:
        ids = [row["incident_id"] for row in story.table("SELECT incident_id FROM incidents")]
        if ids:
            with story.database.transaction() as conn:
                _act(story, conn, actor, what, sorted(ids)[number % len(ids)])
    story.dispatcher.deliver_due()


def _act(story: Story, conn: Connection, actor: str, what: Any, incident_id: int) -> None:
    if actor == "word":
        given = {"actor": "resident", "now": story.clock.now(), "settings": story.settings}
        cancel(conn, "home-1", incident_id, what, **given)  # type: ignore[arg-type]
    else:
        on_incident(what, actor)(story, conn, incident_id)


def check(story: Story) -> None:
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []
        assert claim(conn, now=story.clock.now(), settings=story.settings, limit=8) == []
    for row in story.table("SELECT incident_id, state FROM incidents"):
        lines = story.table(
            "SELECT move FROM incident_log WHERE incident_id = %s ORDER BY n", row["incident_id"]
        )
        assert replay(Move(line["move"]) for line in lines) == row["state"]
    # nobody is forgotten: what pages by itself and was not answered has a page or a timer ahead
    for row in story.table(_UNATTENDED):
        pytest.fail(f"incident {row['incident_id']} waits, and nothing would ever page for it")


_UNATTENDED = """
SELECT i.incident_id FROM incidents i
WHERE i.closed_at IS NULL AND i.state = 'dispatched' AND i.priority = 1
  AND NOT EXISTS (SELECT FROM timers t WHERE t.incident_id = i.incident_id AND t.done_at IS NULL)
"""


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.tuples(STEPS, st.integers(0, 50)), min_size=5, max_size=25))
def test_any_story(postgres_server: PostgresServer, steps: list[Any]) -> None:
    with a_story(postgres_server) as story:
        for n, who in enumerate(WHO, start=1):
            story.responder(who, km=n)
        for (actor, what), number in steps:
            before = story.rows()
            try:
                play(story, actor, what, number)
            except DoorGuardError:
                assert story.rows() == before
            check(story)


@pytest.mark.parametrize("state", sorted(State))
def test_an_illegal_move_raises_and_changes_nothing(story: Story, state: State) -> None:
    """Of every state and every move that the table does not have for it."""
    story.press()
    with story.database.transaction() as conn:
        closed_at = story.clock.now() if state in CLOSED_STATES else None
        conn.execute("UPDATE incidents SET state = %s, closed_at = %s", (state, closed_at))
    before = (story.rows(), story.table("SELECT * FROM incidents"))
    for move in sorted(set(Move) - set(MOVES[state])):
        with pytest.raises(IllegalMove), story.database.transaction() as conn:
            incident = lock(conn, story.incident)
            apply(conn, incident, move, actor="x", now=story.clock.now())
    assert (story.rows(), story.table("SELECT * FROM incidents")) == before
