from __future__ import annotations

import pytest

from core.catalogue import CATALOGUE, Source
from core.errors import ConfigurationError
from simulators.connection import Credentials
from simulators.scenario import plan


@pytest.mark.parametrize("duration_s", [30.0, 4 * 3600.0])
def test_everybody_comes_home_and_every_event_is_a_devices(duration_s):
    for home in range(40):
        planned = plan("evening", "camera", f"1/cam-{home}", duration_s)
        types = [event.type for event in planned]
        assert "door.unlocked" in types
        assert all(CATALOGUE[type_].source is Source.DEVICE for type_ in types)
        assert planned == sorted(planned)
        assert all(0 <= event.at_s < duration_s for event in planned)


def test_an_unlocking_says_how_and_by_whom():
    planned = plan("evening", "camera", "1/cam-1", 8 * 3600.0)
    unlocked = [event.data for event in planned if event.type == "door.unlocked"]
    assert all("user" in data or data["method"] == "key" for data in unlocked)
    assert any("user" in data for data in unlocked)


def test_the_same_seed_gives_the_same_evening():
    assert plan("evening", "camera", "1/a", 3600.0) == plan("evening", "camera", "1/a", 3600.0)
    assert plan("evening", "camera", "1/a", 3600.0) != plan("evening", "camera", "2/a", 3600.0)


def test_an_unknown_scenario_is_named_with_the_known_ones():
    with pytest.raises(ConfigurationError, match="evening"):
        plan("morning", "camera", "1", 60.0)


def test_credentials_say_what_is_missing_and_never_show_the_password():
    fields = {
        "device": "cam-1",
        "username": "cam-1",
        "password": "hush",
        "host": "broker",
        "port": 1883,
        "topic_root": "dg/v1/00/cam-1",
        "household": "h1",
    }
    assert "hush" not in repr(Credentials.from_json(fields))
    del fields["password"], fields["port"]
    with pytest.raises(ConfigurationError, match="password, port"):
        Credentials.from_json(fields)


def test_a_steady_home_reports_once_a_second_and_nothing_that_opens_an_incident():
    planned = [plan("steady", "camera", f"1/cam-{home}", 100.0) for home in range(50)]
    assert 4500 < sum(map(len, planned)) < 5500
    assert plan("steady", "button", "1/b", 100.0) == []
    types = {event.type for events in planned for event in events}
    assert all(CATALOGUE[type_].priority is None and not CATALOGUE[type_].alarm for type_ in types)
    assert all(CATALOGUE[type_].source is Source.DEVICE for type_ in types)
