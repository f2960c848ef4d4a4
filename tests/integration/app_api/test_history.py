"""The history: filters, the JSON untouched, and a cursor that neither repeats nor skips."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from .conftest import NOW

pytestmark = pytest.mark.integration
EVENTS = "/v1/households/own/events"


@pytest.mark.parametrize("seed", range(5))
def test_paging_while_rows_are_inserted(api, put_event, seed) -> None:
    chance = random.Random(seed)
    used: set[tuple[int, str, int]] = set()

    def insert() -> tuple[str, int]:
        while True:  # few instants and devices, so that many rows share a time
            key = (chance.randrange(12), chance.choice(["a-door", "b-door"]), chance.randrange(900))
            if key not in used:
                break
        used.add(key)
        put_event("own", NOW - timedelta(seconds=key[0]), key[2], device=key[1])
        return key[1], key[2], key[0]

    first = {insert() for _ in range(60)}
    seen, cursor = [], None
    while True:
        params = {"limit": chance.randrange(1, 9)} | ({"cursor": cursor} if cursor else {})
        body = api.get(EVENTS, **params).json()
        seen += body["items"]
        for _ in range(chance.randrange(3)):
            insert()
        cursor = body["next_cursor"]
        if cursor is None:
            break
    keys = [(item["at"], item["device_id"], item["seq"], item["source"]) for item in seen]
    assert len(set(keys)) == len(keys)
    assert keys == sorted(keys, reverse=True)
    ages = {(item["device_id"], item["seq"], item["at"]) for item in seen}
    expected = {
        (device, seq, (NOW - timedelta(seconds=age)).isoformat().replace("+00:00", "Z"))
        for device, seq, age in first
    }
    assert expected <= ages


def test_filters(api, put_event) -> None:
    for number, event_type in enumerate(["door.opened", "door.closed", "bell.pressed"]):
        put_event("own", NOW + timedelta(minutes=number), number, event_type=event_type)
    put_event("other", NOW, 9)

    def types(**params: object) -> list[str]:
        return [item["type"] for item in api.get(EVENTS, **params).json()["items"]]

    assert types() == ["bell.pressed", "door.closed", "door.opened"]
    assert types(type=["door.opened", "bell.pressed"]) == ["bell.pressed", "door.opened"]
    assert types(**{"from": (NOW + timedelta(minutes=1)).isoformat()}) == [
        "bell.pressed",
        "door.closed",
    ]
    assert types(to=(NOW + timedelta(minutes=1)).isoformat()) == ["door.opened"]


def test_data_comes_back_as_the_device_wrote_it(api, put_event) -> None:
    written = '{"b": 1.10,  "a": [1e2, "\\u00e9"], "a": null}'
    put_event("own", NOW, 1, data=written)
    answer = api.get(EVENTS)
    assert f'"data":{written}' in answer.text
    (item,) = answer.json()["items"]
    assert item | {"data": None} == {
        "at": "2026-11-22T03:00:00Z",
        "type": "door.opened",
        "device_id": "door-1",
        "seq": 1,
        "source": "device",
        "received_at": "2026-11-22T03:00:00Z",
        "clock_off": False,
        "data": None,
    }


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"cursor": "nonsense"}, 400),
        ({"cursor": "é"}, 400),
        ({"cursor": "WzEsMiwzLDRd"}, 400),
        ({"limit": 501}, 422),
        ({"limit": 0}, 422),
        ({"from": "2026-11-22T03:00:00"}, 422),
        ({"to": "yesterday"}, 422),
        ({"type": "a\x00b"}, 422),
        ({"type": "Door Opened"}, 422),
    ],
)
def test_what_is_not_valid_is_a_problem(api, params, status) -> None:
    answer = api.get(EVENTS, **params)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"]


def test_a_home_that_cannot_be_is_a_problem(api) -> None:
    answer = api.get("/v1/households/%00/events")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_devices(api, conn) -> None:
    for device, ended in (("door-1", None), ("door-0", NOW)):
        conn.execute("INSERT INTO devices (device_id, kind) VALUES (%s, 'camera')", (device,))
        conn.execute(
            "INSERT INTO device_assignments"
            " VALUES (%s, 'own', %s, COALESCE(%s::timestamptz, 'infinity'))",
            (device, NOW - timedelta(days=1), ended),
        )
    conn.execute(
        "INSERT INTO device_state (device_id, online, last_heard_at, battery_percent, fw)"
        " VALUES ('door-1', true, %s, 87, '1.4.2')",
        (NOW,),
    )
    assert api.get("/v1/households/own/devices").json()["items"] == [
        {
            "device_id": "door-1",
            "kind": "camera",
            "behind": None,
            "online": True,
            "last_heard_at": "2026-11-22T03:00:00Z",
            "battery_percent": 87,
            "fw": "1.4.2",
        }
    ]
