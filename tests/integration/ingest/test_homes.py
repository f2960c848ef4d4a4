"""What a writer remembers of devices is what the database says, whoever commits when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.catalogue import Source
from core.database import Connection, connect
from gateway import registry
from households.homes import Home, add_household
from ingest.attribution import place
from ingest.homes import Homes
from tests.conftest import NOON, ManualClock


@pytest.fixture
def homes(conn: Connection, clock: ManualClock) -> Homes:
    for number in (1, 2):
        add_household(conn, Home(f"home-{number}", f"Home {number}", 37.5, 127.0))
    for device in ("door-cam-1", "door-cam-2"):
        registry.add_device(conn, device, household_id="home-1", kind="camera", now=NOON)
    return Homes(clock)


def serves(homes: Homes, conn: Connection, device: str) -> list[str]:
    standing = homes.look(conn, [device]).get(device)
    return [one.household_id for one in standing.assignments] if standing else []


def move(conn: Connection, device: str) -> None:
    registry.remove_device(conn, device, now=NOON + timedelta(days=1))
    registry.add_device(
        conn, device, household_id="home-2", kind="camera", now=NOON + timedelta(days=2)
    )


def test_a_change_is_seen_by_the_next_look(homes: Homes, conn: Connection) -> None:
    assert serves(homes, conn, "door-cam-1") == ["home-1"]
    move(conn, "door-cam-1")
    assert serves(homes, conn, "door-cam-1") == ["home-1", "home-2"]
    assert serves(homes, conn, "stranger-1") == []
    registry.add_device(conn, "stranger-1", household_id="home-2", kind="camera", now=NOON)
    assert serves(homes, conn, "stranger-1") == ["home-2"]


def test_changes_that_commit_out_of_order_are_seen(
    homes: Homes, conn: Connection, dsn: str
) -> None:
    assert serves(homes, conn, "door-cam-1") == serves(homes, conn, "door-cam-2") == ["home-1"]
    with connect(dsn) as slow, connect(dsn) as quick:
        move(slow, "door-cam-1")  # begins first, commits last
        move(quick, "door-cam-2")
        quick.commit()
        assert serves(homes, conn, "door-cam-1") == ["home-1"]
        assert serves(homes, conn, "door-cam-2") == ["home-1", "home-2"]
        slow.commit()
    assert serves(homes, conn, "door-cam-1") == ["home-1", "home-2"]


def test_a_place_given_by_another_worker_is_known(homes: Homes, conn: Connection) -> None:
    assert not homes.look(conn, ["door-cam-1"])["door-cam-1"].was_placed
    place(conn, [("door-cam-1", Source.DEVICE, 1, NOON.replace(year=1970))], NOON)
    assert homes.look(conn, ["door-cam-1"])["door-cam-1"].was_placed


def test_after_a_long_silence_nothing_is_trusted(
    homes: Homes, conn: Connection, clock: ManualClock
) -> None:
    assert serves(homes, conn, "door-cam-1") == ["home-1"]
    move(conn, "door-cam-1")
    conn.execute("DELETE FROM attribution_changes")  # as the upkeep does after a day
    assert serves(homes, conn, "door-cam-1") == ["home-1"]
    clock.advance(3601)
    assert serves(homes, conn, "door-cam-1") == ["home-1", "home-2"]
