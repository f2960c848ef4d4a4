"""What is slow or many must not stop looks at other homes, and never a call for help."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import anyio.to_thread
import pytest

from app.accounts.tokens import issue_token
from app.api import desk as desk_module
from app.api.desk import READS_AT_ONCE
from core.database import Connection, Database, connect
from core.objects import sha256_hex

pytestmark = pytest.mark.integration
JPEG = b"\xff\xd8\xff a picture"


@pytest.fixture
def other(dsn: str) -> Iterator[Connection]:
    with connect(dsn) as conn:
        yield conn


def wait_for_blocked(conn: Connection, count: int) -> None:
    """Return when so many statements wait for a lock."""
    poll, deadline = threading.Event(), time.monotonic() + 5
    asked = (
        "SELECT count(*) AS n FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while conn.execute(asked).fetchone()["n"] < count:
        assert time.monotonic() < deadline, "nothing waits"
        poll.wait(0.02)


def test_a_slow_read_does_not_stop_other_looks(api, conn, other) -> None:
    other.execute("LOCK device_state")
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(api.get, "/v1/households/own/devices")
        wait_for_blocked(conn, 1)
        assert api.get("/v1/households/own/events").status_code == 200
        assert not slow.done()
        other.rollback()
        assert slow.result().status_code == 200
    looks = conn.execute("SELECT action FROM access_log ORDER BY n").fetchall()
    assert [look["action"] for look in looks] == ["events", "devices"]


def test_a_read_without_end_is_ended(api, conn, other, monkeypatch) -> None:
    monkeypatch.setattr(desk_module, "READ_TIMEOUT_S", 0.2)
    other.execute("LOCK events")
    answer = api.get("/v1/households/own/events")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert "longer than" in answer.json()["detail"]
    assert conn.execute("SELECT n FROM access_log").fetchall() == []


def test_no_answer_without_its_line(api, conn) -> None:
    conn.execute("ALTER TABLE access_log ADD CONSTRAINT full_disk CHECK (n < 0) NOT VALID")
    answer = api.get("/v1/households/own/events")
    assert answer.status_code == 500
    assert "items" not in answer.text


def test_a_call_for_help_waits_for_no_reads(api, dsn, conn, other) -> None:
    urgent = Database(dsn, application="urgent", max_size=1)
    urgent.open()
    object.__setattr__(api.desk, "urgent", urgent)
    headers = {"Authorization": f"Bearer {api.tokens['resident']}"}

    async def rush() -> tuple[list[int], int, list[str]]:
        # as few threads as reads, so that the reads hold all of them; the pool has no more either
        anyio.to_thread.current_default_thread_limiter().total_tokens = READS_AT_ONCE
        request = api.client.request
        reads = [
            asyncio.create_task(request("GET", "/v1/households/own/events", headers=headers))
            for _ in range(READS_AT_ONCE * 2)
        ]
        await asyncio.to_thread(wait_for_blocked, conn, READS_AT_ONCE)
        called = await request("POST", "/v1/households/own/sos", headers=headers)
        unfinished = sum(not read.done() for read in reads)
        refused, _ = await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(other.rollback)
        answers = await asyncio.gather(*reads)
        assert all(read.result().headers["retry-after"] == "1" for read in refused)
        return sorted(one.status_code for one in answers), called.status_code, unfinished

    other.execute("LOCK events")
    statuses, called, unfinished = asyncio.run(rush())
    urgent.close()
    assert called == 201
    assert unfinished == READS_AT_ONCE * 2  # answered while every read still waited
    assert statuses == [200] * READS_AT_ONCE + [503] * READS_AT_ONCE


def test_evidence_is_looked_for_among_findings_of_400_days(api, conn, clock, put_event) -> None:
    api.desk.objects.put("evidence/1.jpg", JPEG)
    digest = sha256_hex(JPEG)
    listed = f'{{"evidence": [{{"key": "evidence/1.jpg", "sha256": "{digest}"}}]}}'
    path = f"/v1/households/own/evidence/{digest}"
    put_event("own", clock.now(), 1, event_type="door.opened", source="detector", data=listed)
    put_event("own", clock.now(), 2, event_type="loiter.started", source="device", data=listed)
    assert api.get(path).status_code == 404
    put_event("own", clock.now(), 3, event_type="camera.covered", source="detector", data=listed)
    for number in range(4, 9):  # newer ones without it
        said = f'{{"evidence": "none of {digest}"}}'
        put_event(
            "own", clock.now(), number, event_type="motion.ended", source="detector", data=said
        )
    assert api.get(path).content == JPEG
    for days, status in ((399, 200), (2, 404)):
        clock.advance(days * 86_400)
        api.tokens["resident"] = issue_token(conn, "the-resident", clock.now())
        assert api.get(path).status_code == status
