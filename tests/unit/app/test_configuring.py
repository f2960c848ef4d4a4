"""`doorguard device configure`: options become the configuration that cameras are sent."""

from __future__ import annotations

import pytest

from app.cli.configuring import changed
from core.configuration import check
from core.errors import ConfigurationError


def test_options_become_what_a_detector_takes() -> None:
    config = changed(
        {"loiter": {"after_s": 30, "zone": [[0, 0], [1, 0], [1, 1]]}, "volume": 7},
        {},
        {
            "min_height": 0.3,
            "zone": ["door=0.2,0.4 0.8,0.4 0.8,1; after_s=20; min_height=0.25"],
            "mask": ["window=0,0 0.3,0 0.3,0.4"],
            "after_hours": ["22:00-06:00=15", "12:00-13:00=10 sat,sun"],
            "visits": "4,5,600",
            "health": False,
            "loitering": True,
        },
    )
    check(config)
    assert config == {
        "volume": 7,
        "loiter": {
            "after_s": 30,
            "min_height": 0.3,
            "enabled": True,
            "after_hours": [
                {"from": "22:00", "to": "06:00", "after_s": 15.0},
                {"from": "12:00", "to": "13:00", "after_s": 10.0, "days": ["sat", "sun"]},
            ],
        },
        "zones": [
            {
                "name": "door",
                "polygon": [[0.2, 0.4], [0.8, 0.4], [0.8, 1.0]],
                "after_s": 20.0,
                "min_height": 0.25,
            }
        ],
        "masks": [{"name": "window", "polygon": [[0.0, 0.0], [0.3, 0.0], [0.3, 0.4]]}],
        "visits": {"count": 4, "least_s": 5.0, "within_s": 600.0},
        "health": {"enabled": False},
    }


def test_an_empty_section_takes_away_and_what_is_not_named_stays() -> None:
    before = {"masks": [{"name": "m"}], "motion": {"enabled": False}}
    assert changed(before, {"masks": []}, {}) == {"motion": {"enabled": False}}
    assert changed(before, {}, {"mask": [""]}) == {"motion": {"enabled": False}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"zone": ["door=1,2,x"]}, "--zone door=1,2,x: NAME=X,Y"),
        ({"zone": ["door=0,0 1,0 1,1; loud=1"]}, "'loud' is no setting of a zone"),
        ({"mask": ["m=0,0 1,0 1,1; after_s=20"]}, "'after_s' is no setting of a mask"),
        ({"after_hours": ["22:00=15"]}, "HH:MM-HH:MM=SECONDS"),
        ({"visits": "3"}, "COUNT,LEAST_S,WITHIN_S"),
    ],
)
def test_what_cannot_be_read_is_named(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        changed({}, {}, given)
