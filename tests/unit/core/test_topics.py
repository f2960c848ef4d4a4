"""Topics: the partition follows from the device id, and nothing else parses."""

from __future__ import annotations

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DecodeError, PermanentError
from core.topics import DEVICE_ID, Kind, Topic, check_device_id, device_root, parse, wildcard

ids = st.from_regex(DEVICE_ID, fullmatch=True)


@given(ids, st.sampled_from(Kind))
def test_a_topic_parses_to_what_it_was_made_of(device: str, kind: Kind) -> None:
    assert parse(str(Topic(device, kind))) == Topic(device, kind)


def test_the_root_is_the_one_independent_clients_compute() -> None:
    assert device_root("door-cam-1") == f"dg/v1/{crc32(b'door-cam-1') % 64:02x}/door-cam-1"
    assert wildcard(Kind.FINDING_ALARM) == "dg/v1/+/+/finding/alarm"


@given(st.text(max_size=80))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        topic = parse(text)
    except DecodeError as error:
        assert error.reason == "topic"
    else:
        assert str(topic) == text


@pytest.mark.parametrize(
    "topic",
    [
        "dg/v1/00/door-cam-1/alarm/x",
        "dg/v2/00/door-cam-1/alarm",
        f"{device_root('door-cam-1')}/finding/",
        "dg/v1/zz/door-cam-1/alarm",
        f"{device_root('door-cam-1').replace('door-cam-1', 'door-cam-2')}/alarm",
    ],
)
def test_strangers_are_refused(topic: str) -> None:
    with pytest.raises(DecodeError):
        parse(topic)


@pytest.mark.parametrize(
    "bad", ["abc", "a" * 41, "-abc", "Door-1", "door_1", "door/1", "", "도어캠1"]
)
def test_bad_device_ids(bad: str) -> None:
    with pytest.raises(PermanentError, match="device id"):
        check_device_id(bad)


@pytest.mark.parametrize("good", ["abcd", "a" * 40, "0door-1"])
def test_good_device_ids(good: str) -> None:
    assert check_device_id(good) == good
