"""The configuration of a camera: what is taken, what is refused and why."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core.configuration import check, decode_configuration
from core.errors import DecodeError

CORNERS = [[0.1, 0.2], [0.9, 0.2], [0.9, 1.0]]
WHOLE: dict[str, Any] = {
    "timezone": "Asia/Seoul",
    "loiter": {
        "after_s": 30,
        "min_height": 0.3,
        "high_risk_after_s": 15,
        "after_hours": [{"from": "22:00", "to": "06:00", "after_s": 12, "days": ["fri", "sat"]}],
    },
    "zones": [
        {"name": "door", "polygon": CORNERS, "after_s": 20},
        {"name": "gate", "polygon": CORNERS, "min_height": 0.4},
    ],
    "masks": [{"name": "window", "polygon": CORNERS}],
    "visits": {"count": 4, "least_s": 5, "within_s": 600},
    "motion": {"enabled": False},
    "health": {"enabled": True},
    "volume": 7,
}


def test_the_whole_of_it_is_taken() -> None:
    check(WHOLE)
    config = decode_configuration(msgspec.json.encode({**WHOLE, "version": 3}))
    assert config.loiter.after_hours[0].days == ["fri", "sat"]
    assert [zone.name for zone in config.zones] == ["door", "gate"]
    assert not config.motion.enabled


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"loiter": {"after_s": 9}}, ">= 10.0 - at `$.loiter.after_s`"),
        ({"loiter": {"zone": CORNERS}}, "either one `loiter.zone` or `zones`"),
        ({"zones": [{"name": "a", "polygon": [[0, 0], [1, 1]]}]}, "zone 'a' is three corners"),
        ({"zones": [{"name": "a", "polygon": CORNERS}] * 2}, "two zones are named 'a'"),
        ({"masks": [{"name": "m", "polygon": [[0, 0], [0, 1], [0, 0.5]]}]}, "`$.masks[0].polygon`"),
        ({"masks": [{"name": "", "polygon": CORNERS}]}, "length >= 1"),
        (
            {"loiter": {"after_s": 20, "high_risk_after_s": 25}},
            "longer than `loiter.after_s`, 20 s",
        ),
        ({"timezone": "Mars/Phobos"}, "'Mars/Phobos' is no time zone"),
        ({"timezone": "/etc/passwd"}, "is no time zone"),
        ({"visits": {"count": 1}}, ">= 2"),
        ({"motion": {"enabled": "no"}}, "Expected `bool`"),
        ({"zones": {"door": CORNERS}}, "Expected `array`"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DecodeError) as caught:
        check({**WHOLE, **change})
    assert caught.value.reason == "schema"
    assert said in caught.value.detail


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ({"from": "24:00", "to": "06:00", "after_s": 12}, "matching regex"),
        ({"from": "22:00", "to": "22:00", "after_s": 12}, "it ends when it begins"),
        ({"from": "22:00", "to": "06:00", "after_s": 31}, "longer than"),
        ({"from": "22:00", "to": "06:00", "after_s": 12, "days": ["Sunday"]}, "Invalid enum value"),
        ({"from": "22:00", "to": "06:00"}, "missing required field `after_s`"),
    ],
)
def test_wrong_hours_are_said(hours: dict[str, Any], said: str) -> None:
    with pytest.raises(DecodeError, match=said):
        check({"loiter": {"after_hours": [hours]}})


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(DecodeError, match="json"):
        check({"loiter": {"after_s": {1, 2}.__iter__()}})
