"""Whoever owns the database, and not the service key, cannot rewrite a log unseen."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from alerts import audit
from alerts.audit_seals import (
    Head,
    Report,
    keep_head,
    last_head,
    read_head,
    seal,
    seal_key,
    verify,
)
from core.database import Connection, connect
from core.errors import PermanentError
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration
KEY = seal_key("k" * 32)


def seal_now(story: Story) -> Head | None:
    with story.database.transaction() as conn:
        return seal(conn, key=KEY, now=story.clock.now())


def look(story: Story, n: int) -> None:
    with story.database.transaction() as conn:
        audit.record_access(
            conn,
            actor="operator-1",
            action="board.evidence",
            household_id="home-1",
            now=story.clock.now(),
            detail={"n": n},
        )


def checked(story: Story, *known: Head, key: bytes = KEY) -> Report:
    with story.database.transaction() as conn:
        return verify(conn, key=key, known=known)


@pytest.fixture
def sealed(story: Story) -> Story:
    """Two incidents and three looks in two seals."""
    story.responder("first")
    story.happens("duress.pressed")
    look(story, 1)
    seal_now(story)
    story.press()
    story.close()
    look(story, 2)
    look(story, 3)
    seal_now(story)
    assert checked(story).problems == []
    return story


def tamper(story: Story, *statements: str) -> None:
    """Do what only an owner of the tables can."""
    with connect(story.database.dsn) as conn:
        for table in ("incident_log", "access_log", "audit_seals"):
            conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # type: ignore[arg-type]
        for statement in statements:
            assert conn.execute(statement).rowcount  # type: ignore[arg-type]


def rewrite(conn: Connection, incident_id: int, actor: str) -> None:
    """Change who did it, and chain the whole log anew, as only its unkeyed digests ask for."""
    previous = audit.GENESIS
    rows = conn.execute(
        "DELETE FROM incident_log WHERE incident_id = %s"
        " RETURNING incident_id, n, at, actor, move, state, detail",
        (incident_id,),
    ).fetchall()
    for row in sorted(rows, key=lambda one: one["n"]):
        line = audit.IncidentLine(**{**row, "actor": actor})
        previous = audit.append_incident(conn, line, previous=previous)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_seals SET at = now()", "DELETE FROM audit_seals", "TRUNCATE audit_seals"],
)
def test_seals_refuse_change(sealed: Story, statement: str) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        connect(sealed.database.dsn) as conn,
    ):
        conn.execute(statement)  # type: ignore[arg-type]


def test_a_log_rewritten_with_a_good_chain_is_found(sealed: Story) -> None:
    tamper(sealed)
    with connect(sealed.database.dsn) as conn:
        rewrite(conn, 1, "somebody else")
        conn.execute("DELETE FROM audit_unsealed")
    with sealed.database.transaction() as conn:
        assert audit.verify(conn) == []  # the chain alone shows nothing
    (problem,) = checked(sealed).problems
    assert problem.startswith("incident 1, line ")
    assert problem.endswith("it is not the line that stands under seal 1")


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM access_log WHERE n = 3", "access log, line 3: it stands under seal 2"),
        ("DELETE FROM access_log WHERE n > 0", "access log, line 1: it stands under seal 1"),
        ("DELETE FROM incident_log WHERE move = 'close'", "incident 2, line"),
        ("DELETE FROM audit_seals WHERE n = 1", "seal 2: seal 1 is missing"),
        (
            "UPDATE audit_seals SET body = replace(body, 'access', 'looks')",
            "seal 1: it was not made",
        ),
        ("UPDATE audit_seals SET mac = '\\x00' WHERE n = 2", "seal 2: it was not made with this"),
    ],
)
def test_what_is_missing_or_changed_is_named(sealed: Story, statement: str, problem: str) -> None:
    tamper(sealed, statement)
    found = checked(sealed).problems
    assert any(one.startswith(problem) for one in found), found


def test_an_incident_that_is_gone_with_all_that_hung_on_it_is_missed(sealed: Story) -> None:
    tamper(
        sealed,
        "DELETE FROM timers WHERE incident_id = 1",
        "DELETE FROM deliveries USING pages p WHERE p.page_id = deliveries.page_id"
        " AND p.incident_id = 1",
        "DELETE FROM pages WHERE incident_id = 1",
        "DELETE FROM incident_events WHERE incident_id = 1",
        "DELETE FROM incident_log WHERE incident_id = 1",
        "DELETE FROM incidents WHERE incident_id = 1",
    )
    with sealed.database.transaction() as conn:
        assert audit.verify(conn) == []
    (problem,) = checked(sealed).problems
    assert problem.startswith("incident 1, line ")
    assert problem.endswith("is missing")


def test_a_database_put_back_to_yesterday_is_found_by_the_head_kept_elsewhere(
    sealed: Story, tmp_path: Path
) -> None:
    file = tmp_path / "audit-head"
    with sealed.database.transaction() as conn:
        head = last_head(conn)
    assert head is not None
    assert keep_head(file, head)
    assert read_head(file) == Head.parse(f" {head}\n") == head
    assert checked(sealed, head).problems == []
    tamper(sealed, "DELETE FROM audit_seals WHERE n = 2", "DELETE FROM access_log WHERE n > 1")
    assert "seals: 2 was seen once, and is not there" in checked(sealed, head).problems
    with sealed.database.transaction() as conn:
        older = last_head(conn)
    assert older is not None
    assert not keep_head(file, older)
    assert read_head(file) == head
    look(sealed, 9)
    seal_now(sealed)  # another second seal
    assert "seal 2: it is not the one that was seen once" in checked(sealed, head).problems


def test_another_key_makes_no_seal_of_ours(sealed: Story) -> None:
    found = checked(sealed, key=seal_key("x" * 32)).problems
    assert "seal 1: it was not made with this service key" in found


def test_what_is_younger_than_the_last_seal_waits_and_cannot_leave_the_queue(
    sealed: Story,
) -> None:
    assert seal_now(sealed) is None  # nothing was written since
    sealed.happens("loiter.started")
    report = checked(sealed)
    assert (report.problems, report.waiting) == ([], 1)
    assert report.waiting_since == sealed.clock.now()
    tamper(sealed, "DELETE FROM audit_unsealed")
    (problem,) = checked(sealed).problems
    assert problem == "incident 3, line 1: it is under no seal, and waits for none"


def test_a_line_whose_transaction_ends_later_is_in_the_next_seal(sealed: Story) -> None:
    with sealed.database.transaction() as writing:
        line = audit.IncidentLine(99, 1, sealed.clock.now(), "x", "open", "raised", {})
        writing.execute("ALTER TABLE incident_log DROP CONSTRAINT incident_log_incident_id_fkey")
        audit.append_incident(writing, line, previous=audit.GENESIS)
    look(sealed, 4)
    with connect(sealed.database.dsn) as writing:
        line = audit.IncidentLine(100, 1, sealed.clock.now(), "x", "open", "raised", {})
        audit.append_incident(writing, line, previous=audit.GENESIS)
        assert seal_now(sealed) is not None
        writing.commit()
    assert checked(sealed).waiting == 1
    assert seal_now(sealed) is not None
    assert checked(sealed).waiting == 0


def test_two_processes_do_not_seal_at_once(sealed: Story) -> None:
    look(sealed, 4)
    with connect(sealed.database.dsn) as one:
        assert seal(one, key=KEY, now=sealed.clock.now()) is not None
        assert seal_now(sealed) is None
        one.commit()
    assert checked(sealed).problems == []


@pytest.mark.parametrize("text", ["", "7", "x:00", "7:", ":ab"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(PermanentError, match="is no head of the seals"):
        Head.parse(text)
