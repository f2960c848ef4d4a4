"""The event lane on a real database: once, in order, whatever is redelivered or goes away."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import Connection, Database
from core.ports import Message
from core.topics import Kind, Topic
from gateway import registry
from ingest.lane import AT_ONCE, Lane
from ingest.room import Room
from tests.conftest import NOON, PostgresServer
from tests.integration.ingest.conftest import Feed, event


def rows(conn: Connection, order: str = "seq") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = conn.execute(
        f"SELECT *, data::text AS raw FROM events ORDER BY {order}"  # noqa: S608
    ).fetchall()
    return found


def test_stored_then_acknowledged(feed: Feed, conn: Connection) -> None:
    feed.give([event(1), event(2, colour="\u00e9\u200b", n=1e3)], event(3))
    feed.settle()
    assert [row["seq"] for row in rows(conn)] == [1, 2, 3]
    assert rows(conn)[1]["raw"] == '{"colour": "\\u00e9\\u200b", "n": 1000.0}', "bytes as they came"
    assert sorted(feed.broker.acks()["door-cam-1"]["stored"]) == [1, 2, 3]
    assert {row["household_id"] for row in rows(conn)} == {"home-1"}


def test_redelivery_changes_nothing_and_is_answered_again(feed: Feed, conn: Connection) -> None:
    feed.give(event(1), event(1), [event(1), event(2)])
    feed.settle()
    feed.give(event(2), event(1))
    feed.settle()
    assert [row["seq"] for row in rows(conn)] == [1, 2]
    assert feed.broker.acks()["door-cam-1"]["stored"].count(1) == 4
    assert [one.seq for one in feed.stored] == [1, 2], "only what is new goes on"


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6), min_size=1, max_size=6))
def test_any_redelivered_stream_leaves_the_same_rows(
    feed: Feed, conn: Connection, stream: list[list[int]]
) -> None:
    conn.execute("TRUNCATE events")
    feed.clock.advance(1)  # each example's events are its own
    for batch in stream:
        feed.give([event(seq, at=feed.clock.now()) for seq in batch])
    feed.settle()
    assert [row["seq"] for row in rows(conn)] == sorted({seq for batch in stream for seq in batch})


def test_a_writer_that_remembers_nothing_still_stores_once(feed: Feed, conn: Connection) -> None:
    feed.give([event(1), event(2)], event(4))
    feed.settle()
    feed.restart()
    feed.give([event(2), event(3)], event(4), event(5), event(1))
    feed.settle()
    assert [row["seq"] for row in rows(conn)] == [1, 2, 3, 4, 5]
    assert [one.seq for one in feed.stored] == [1, 2, 4, 3, 5]
    assert feed.broker.acks()["door-cam-1"]["stored"].count(2) == 2


def test_two_writers_keep_the_order_of_each_device(
    feed: Feed, conn: Connection, database: Database
) -> None:
    devices = [f"door-cam-{number}" for number in range(1, 9)]
    for device in devices[1:]:
        registry.add_device(conn, device, household_id="home-2", kind="camera", now=NOON)
    feed.restart(writers=2)
    for seq in range(40):
        for device in devices:
            feed.give(event(seq), device=device)
    feed.settle()
    assert len(rows(conn)) == 40 * len(devices)
    for device in devices:
        seqs = [one.seq for one in feed.stored if one.device_id == device]
        assert seqs == list(range(40))


def test_without_room_messages_are_left_to_the_broker_and_asked_for_again(
    feed: Feed, conn: Connection
) -> None:
    feed.restart(room=Room(max_messages=4), started=False)
    feed.give(*[event(seq) for seq in range(6)])
    assert [message.token for message in feed.broker.shed_messages] == [5, 6]
    assert feed.broker.asked_again == 0
    feed.lane.start()
    feed.broker.wait(4)
    feed.lane.stop()
    assert [row["seq"] for row in rows(conn)] == [0, 1, 2, 3]
    assert feed.broker.asked_again == 1


def test_settled_means_committed_also_for_what_had_to_wait_for_a_row(
    feed: Feed, conn: Connection
) -> None:
    feed.give(b'{"online":true}', kind=Kind.STATUS)
    feed.settle()
    with conn.transaction():
        conn.execute("UPDATE device_state SET fw = 'held'")
        feed.give(event(1, type="heartbeat"), event(2))
        assert not feed.lane.wait_settled(0.5)
    assert feed.lane.wait_settled(15.0)
    assert [row["seq"] for row in rows(conn)] == [2]


def test_bad_neighbours_are_kept_and_answered(feed: Feed, conn: Connection) -> None:
    feed.give([event(1), {**event(2), "at": "never"}, event(3)], b"\xff\x00garbage")
    feed.give(event(9), device="stranger-1")
    feed.settle()
    assert [row["seq"] for row in rows(conn)] == [1, 3]
    kept = conn.execute("SELECT reason, device_id FROM rejected_messages").fetchall()
    assert {(row["reason"], row["device_id"]) for row in kept} == {
        ("schema", "door-cam-1"),
        ("json", "door-cam-1"),
        ("unknown_device", "stranger-1"),
    }
    assert feed.broker.acks()["door-cam-1"]["rejected"] == [{"seq": 2, "reason": "schema"}]
    assert feed.broker.acks()["stranger-1"]["rejected"] == [{"seq": 9, "reason": "unknown_device"}]


def test_what_only_the_database_refuses_costs_its_own_row(feed: Feed, conn: Connection) -> None:
    conn.execute("ALTER TABLE events ADD CHECK (seq <> 13)")
    feed.give([event(seq) for seq in range(10, 17)])
    feed.settle()
    assert [row["seq"] for row in rows(conn)] == [10, 11, 12, 14, 15, 16]
    assert feed.broker.acks()["door-cam-1"]["rejected"] == [{"seq": 13, "reason": "database"}]


@pytest.mark.parametrize("off", [timedelta(days=400), timedelta(days=-400), timedelta(hours=2)])
def test_a_wrong_clock_is_kept_flagged_and_still_one_row(
    feed: Feed, conn: Connection, off: timedelta
) -> None:
    feed.give(event(1, at=NOON + off))
    feed.settle()
    feed.clock.advance(40)
    feed.give(event(1, at=NOON + off))
    feed.settle()
    # hours later, when a clock that ran ahead has come true, it is still the same row
    feed.clock.advance(3 * 3600)
    feed.give(event(1, at=NOON + off))
    feed.settle()
    (row,) = rows(conn)
    assert row["clock_off"] is True
    assert row["reported_at"] == NOON + off
    assert row["at"] == NOON


def test_a_retry_that_crossed_the_thirty_days_is_the_same_row(feed: Feed, conn: Connection) -> None:
    at = NOON - timedelta(days=29, hours=23)
    feed.give(event(1, at=at))
    feed.settle()
    feed.clock.advance(2 * 3600)
    feed.give(event(1, at=at))
    feed.settle()
    (row,) = rows(conn)
    assert (row["at"], row["clock_off"]) == (at, False)


def test_nobody_inherits_a_strangers_past(feed: Feed, conn: Connection) -> None:
    day = timedelta(days=1)
    registry.remove_device(conn, "door-cam-1", now=NOON + 2 * day)
    registry.add_device(
        conn, "door-cam-1", household_id="home-2", kind="camera", now=NOON + 4 * day
    )
    feed.clock.advance(5 * 86400)
    feed.give([event(1, at=NOON + day), event(2, at=NOON + 3 * day), event(3, at=NOON + 4 * day)])
    feed.settle()
    assert [(row["seq"], row["household_id"]) for row in rows(conn)] == [
        (1, "home-1"),
        (3, "home-2"),
    ]
    assert feed.broker.acks()["door-cam-1"]["rejected"] == [{"seq": 2, "reason": "unassigned"}]


def test_a_heartbeat_is_state_and_no_row(feed: Feed, conn: Connection) -> None:
    feed.give(event(1, type="heartbeat"))
    feed.give(b'{"online":true,"fw":"1.4.2","battery":87,"rssi":-61}', kind=Kind.STATUS)
    feed.settle()
    assert rows(conn) == []
    (state,) = conn.execute("SELECT * FROM device_state").fetchall()
    assert state["last_heartbeat_at"] == state["last_heard_at"] == NOON
    assert (state["online"], state["fw"], state["battery_percent"]) == (True, "1.4.2", 87)


def test_the_database_away_holds_and_loses_nothing(
    feed: Feed, conn: Connection, postgres_server: PostgresServer
) -> None:
    name = conn.info.dbname
    with postgres_server.admin() as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        feed.give(event(1), event(2))
        with pytest.raises(AssertionError):
            feed.broker.wait(1, within_s=1.5)
        assert feed.broker.published == [], "no device was told anything"
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    feed.settle()
    with psycopg.connect(feed.database.dsn) as back:
        assert back.execute("SELECT array_agg(seq ORDER BY seq) FROM events").fetchone() == (
            [1, 2],
        )


def test_a_seq_used_again_with_another_time_is_another_event(feed: Feed, conn: Connection) -> None:
    feed.give(event(7, at=NOON.replace(year=1970)))
    feed.settle()
    feed.clock.advance(5)
    feed.give(event(7, at=NOON + timedelta(seconds=5), type="sos.pressed"))
    feed.settle()
    assert [row["type"] for row in rows(conn, "received_at, type")] == [
        "door.opened",
        "sos.pressed",
    ]


def test_an_sos_in_the_gap_of_an_exchange_is_heard(feed: Feed, conn: Connection) -> None:
    minute = timedelta(minutes=1)
    registry.remove_device(conn, "door-cam-1", now=NOON + minute)
    registry.add_device(
        conn, "door-cam-1", household_id="home-2", kind="camera", now=NOON + 3 * minute
    )
    feed.clock.advance(240)
    feed.give(event(1, at=NOON + 2 * minute), event(2, at=NOON + 2 * minute, type="sos.pressed"))
    feed.settle()
    assert [(row["seq"], row["household_id"]) for row in rows(conn)] == [(2, "home-2")]


def test_missing_partitions_are_made_when_needed(feed: Feed, conn: Connection) -> None:
    found = conn.execute(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits "
        "WHERE inhparent = 'events'::regclass"
    ).fetchall()
    for row in found:
        conn.execute(f"DROP TABLE {row['name']}")
    feed.give(event(1), event(2, at=NOON - timedelta(days=20)))
    feed.settle()
    assert [row["seq"] for row in rows(conn)] == [1, 2]


def test_the_alarm_lane_waits_for_no_row_of_telemetry(
    feed: Feed, conn: Connection, database: Database
) -> None:
    feed.give(b'{"online":true}', kind=Kind.STATUS)
    feed.settle()
    alarms = Lane(
        "alarm",
        database=database,
        bus=feed.broker,
        clock=feed.clock,
        batching=AT_ONCE,
        telemetry=False,
        on_stored=lambda *_: None,
    )
    with conn.transaction():
        conn.execute("UPDATE device_state SET fw = 'held'")
        body = json.dumps(event(5, type="sos.pressed")).encode()
        alarms.offer([Message(str(Topic("door-cam-1", Kind.ALARM)), body, 99)])
        alarms.start()
        feed.broker.wait(feed.offered + 1, within_s=2.5)
    alarms.stop()
    assert feed.broker.acks()["door-cam-1"]["stored"] == [5]


def test_a_pager_s_newest_position_is_kept_for_an_hour_and_no_more(
    feed: Feed, conn: Connection
) -> None:
    now = feed.clock.now()
    registry.add_device(conn, "pager-1", household_id=None, kind="pager", now=now)

    def at(seq: int, minutes: float, device: str = "pager-1") -> None:
        when = now + timedelta(minutes=minutes)
        where = {"lat": 37.5, "lon": 127.0 + seq / 100, "accuracy_m": 5}
        feed.give(event(seq, type="position.reported", at=when, **where), device=device)

    def kept() -> list[tuple[str, float]]:
        found = conn.execute("SELECT device_id, lon FROM device_positions").fetchall()
        return [(row["device_id"], round(row["lon"], 2)) for row in found]

    at(1, -2)
    at(3, 0)
    at(2, -1)
    at(4, 0, device="door-cam-1")
    feed.settle()
    assert kept() == [("pager-1", 127.03)]
    assert sorted(feed.broker.acks()["pager-1"]["stored"]) == [1, 2, 3]
    assert rows(conn) == []
    feed.clock.advance(3601)
    at(5, -10)  # older than an hour by now
    feed.settle()
    assert kept() == []
