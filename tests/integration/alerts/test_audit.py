"""The logs show what was altered, removed or reordered."""

from __future__ import annotations

import psycopg
import pytest

from alerts import audit
from core.database import connect
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration


@pytest.fixture
def written(story: Story) -> Story:
    """Two incidents' logs and three looks into a home."""
    story.responder("first")
    story.happens("duress.pressed")
    story.happens("sos.pressed")
    story.wait(20)
    story.accept("first")
    story.close()
    for n in range(3):
        with story.database.transaction() as conn:
            audit.record_access(
                conn,
                actor="operator-1",
                action="board.evidence",
                household_id="home-1" if n else None,
                now=story.clock.now(),
                detail={"key": "그림.jpg", "n": n},
            )
    assert _verify(story) == []
    return story


def _verify(story: Story) -> list[str]:
    with story.database.transaction() as conn:
        return audit.verify(conn)


def _tamper(story: Story, *statements: str) -> None:
    """Do what only an owner of the tables can."""
    with connect(story.database.dsn) as conn:
        for table in ("incident_log", "access_log"):
            conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # type: ignore[arg-type]
        for statement in statements:
            assert conn.execute(statement).rowcount  # type: ignore[arg-type]


@pytest.mark.parametrize("table", ["incident_log", "access_log"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET actor = 'somebody'", "DELETE FROM {}", "TRUNCATE {}"]
)
def test_the_logs_refuse_change(written: Story, table: str, statement: str) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        connect(written.database.dsn) as conn,
    ):
        conn.execute(statement.format(table))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE incident_log SET actor = 'x' WHERE incident_id = 1 AND n = 2",
            "incident 1, line 2: the digest does not fit",
        ),
        (
            "UPDATE incident_log SET at = at + interval '1 us' WHERE incident_id = 2 AND n = 1",
            "incident 2, line 1: the digest does not fit",
        ),
        (
            "UPDATE incident_log SET detail = '{}' WHERE incident_id = 2 AND n = 3",
            "incident 2, line 3: the digest does not fit",
        ),
        (
            "DELETE FROM incident_log WHERE incident_id = 1 AND n = 2",
            "incident 1, line 3: line 2 is missing",
        ),
        (
            "DELETE FROM incident_log WHERE incident_id = 1",
            "incident 1: the row says dispatched",
        ),
        (
            "DELETE FROM incident_log WHERE incident_id = 2 AND move = 'close'",
            "incident 2: the row says closed",
        ),
        (
            "UPDATE incidents SET state = 'closed' WHERE incident_id = 1",
            "incident 1: the row says closed",
        ),
        (
            "UPDATE access_log SET household_id = NULL WHERE n = 2",
            "access log, line 2: the digest does not fit",
        ),
        ("DELETE FROM access_log WHERE n = 2", "access log, line 3: line 2 is missing"),
        ("DELETE FROM access_log WHERE n = 1", "access log, line 2: line 1 is missing"),
    ],
)
def test_tampering_is_found(written: Story, statement: str, problem: str) -> None:
    _tamper(written, statement)
    assert any(found.startswith(problem) for found in _verify(written)), _verify(written)


def test_lines_that_changed_places_are_found(written: Story) -> None:
    _tamper(
        written,
        "UPDATE access_log SET n = 100 WHERE n = 2",
        "UPDATE access_log SET n = 2 WHERE n = 3",
        "UPDATE access_log SET n = 3 WHERE n = 100",
    )
    assert "access log, line 2: the digest does not fit" in _verify(written)


def test_a_forged_line_with_a_good_digest_must_still_be_a_legal_move(written: Story) -> None:
    (last,) = written.table(
        "SELECT n, digest FROM incident_log WHERE incident_id = 1 ORDER BY n DESC LIMIT 1"
    )
    line = audit.IncidentLine(
        1, last["n"] + 1, written.clock.now(), "x", "withdraw", "dispatched", {}
    )
    with connect(written.database.dsn) as conn:
        audit.append_incident(conn, line, previous=bytes(last["digest"]))
    assert any("withdraw cannot lead from dispatched" in found for found in _verify(written))
