from __future__ import annotations

import json
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DecodeError
from detectors.config import CameraConfig, Window, Zone, decode_config


def test_the_message_of_the_protocol() -> None:
    zone = [[0.1, 0.2], [0.9, 0.2], [0.9, 1.0]]
    payload = {"version": 3, "loiter": {"after_s": 45, "zone": zone}, "volume": 7}
    config = decode_config(json.dumps(payload).encode())
    assert config == CameraConfig(
        version=3,
        loiter_after_s=45.0,
        zones=(Zone("door", ((0.1, 0.2), (0.9, 0.2), (0.9, 1.0))),),
    )


def test_what_is_not_said_has_its_default() -> None:
    assert decode_config(b'{"version":1}') == CameraConfig(version=1)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "json"),
        (b"{", "json"),
        (b"\xff{}", "json"),
        (b"[" * 100_000, "size"),
        (b"[]", "schema"),
        (b"{}", "schema"),
        (b'{"version":-1}', "schema"),
        (b'{"version":1,"loiter":{"after_s":9.9}}', "schema"),
        (b'{"version":1,"loiter":{"after_s":301}}', "schema"),
        (b'{"version":1,"loiter":{"zone":[[0,0],[1,0]]}}', "schema"),
        (b'{"version":1,"loiter":{"zone":[[0,0],[0.5,0.5],[1,1]]}}', "schema"),
        (b'{"version":1,"loiter":{"zone":[[0,0],[1,0],[1,1.1]]}}', "schema"),
    ],
)
def test_bad_content_is_named(payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_config(payload)
    assert caught.value.reason == reason


@given(st.binary(max_size=200))
def test_any_bytes_give_a_config_or_a_decode_error(payload: bytes) -> None:
    try:
        config = decode_config(payload)
    except DecodeError:
        return
    assert 10 <= config.loiter_after_s <= 300


SEOUL = ZoneInfo("Asia/Seoul")


@pytest.mark.parametrize(
    ("local", "holds"),
    [
        ("2026-11-20T21:59", False),  # a Friday
        ("2026-11-20T22:00", True),
        ("2026-11-21T05:59", True),  # began on Friday
        ("2026-11-21T06:00", False),
        ("2026-11-21T23:00", False),  # Saturday
        ("2026-11-20T05:00", False),  # began on Thursday
    ],
)
def test_a_window_past_midnight_belongs_to_the_day_it_begins(local: str, holds: bool) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=SEOUL)
    assert Window(time(22), time(6), 12.0, (4,)).holds(at) is holds


def test_the_shortest_time_that_holds() -> None:
    payload = {
        "version": 1,
        "timezone": "Asia/Seoul",
        "high_risk": True,
        "loiter": {
            "after_s": 60,
            "high_risk_after_s": 25,
            "after_hours": [{"from": "22:00", "to": "06:00", "after_s": 12}],
        },
        "zones": [{"name": "door", "polygon": [[0, 0], [1, 0], [1, 1]], "after_s": 20}],
    }
    config = decode_config(json.dumps(payload).encode())
    noon = datetime(2026, 11, 20, 12, tzinfo=SEOUL)
    night = datetime(2026, 11, 20, 14, tzinfo=ZoneInfo("UTC"))  # 23:00 in Seoul
    assert config.threshold_s(config.zones[0], noon) == 20
    assert config.threshold_s(None, noon) == 25
    assert config.threshold_s(config.zones[0], night) == 12
    usual = decode_config(json.dumps({**payload, "high_risk": False}).encode())
    assert usual.threshold_s(None, noon) == 60


def test_the_time_zone_is_the_services_where_none_is_named() -> None:
    assert decode_config(b'{"version":1}', "Asia/Seoul").timezone == "Asia/Seoul"
    assert decode_config(b'{"version":1,"timezone":"UTC"}', "Asia/Seoul").timezone == "UTC"
