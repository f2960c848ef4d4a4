"""What the event lane hands to the alarms process, and what it keeps from it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.catalogue import CATALOGUE
from core.database import Connection
from core.model import Event
from ingest.handoff import hand_off, take
from tests.conftest import NOON

pytestmark = pytest.mark.integration


@dataclass
class Homes:
    conn: Connection

    def add(self, household_id: str, *, incident: bool = False, closed: bool = False) -> None:
        self.conn.execute(
            "INSERT INTO households (household_id, name, lat, lon) VALUES (%s, '', 37.5, 127)",
            (household_id,),
        )
        if incident:
            self.conn.execute(
                "INSERT INTO incidents (household_id, kind, priority, state, opened_at, created_at,"
                " closed_at) VALUES (%s, 'loitering', 3, 'raised', %s, %s, %s)",
                (household_id, NOON, NOON, NOON if closed else None),
            )


def _event(household_id: str, seq: int, event_type: str) -> Event:
    source = CATALOGUE[event_type].source
    return Event(
        household_id, NOON, f"door-{household_id}", seq, source, event_type, NOON, b'{"n":1}'
    )


@pytest.fixture
def homes(conn: Connection) -> Homes:
    found = Homes(conn)
    found.add("quiet")
    found.add("watched", incident=True)
    found.add("over", incident=True, closed=True)
    return found


def test_alarms_and_what_ends_them_are_handed_over_in_order(homes: Homes) -> None:
    events = [
        _event("quiet", 1, "battery.low"),
        _event("quiet", 2, "bell.pressed"),
        _event("watched", 3, "door.held_open"),
        _event("quiet", 4, "battery.restored"),
    ]
    assert hand_off(homes.conn, events) == 3
    assert take(homes.conn, now=NOON) == [events[0], events[2], events[3]]


def test_a_door_unlocked_is_told_only_where_an_incident_is_open(homes: Homes) -> None:
    events = [_event(home, 1, "door.unlocked") for home in ("quiet", "watched", "over")]
    assert hand_off(homes.conn, events) == 1
    assert take(homes.conn, now=NOON) == [events[1]]


def test_nothing_to_hand_over(homes: Homes) -> None:
    assert hand_off(homes.conn, []) == 0
    assert hand_off(homes.conn, [_event("watched", 1, "bell.pressed")]) == 0
    assert take(homes.conn, now=NOON) == []
