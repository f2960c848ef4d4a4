"""Any bytes give messages or errors with a reason; every limit of the protocol, at and past it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import CATALOGUE, Source
from core.errors import DecodeError
from core.wire import (
    MAX_EVENTS,
    MAX_MESSAGE_BYTES,
    MAX_SEQ,
    Ack,
    EventMessage,
    Rejected,
    decode_events,
    decode_reply,
    decode_status,
    encode,
)

AT = "2026-11-22T10:00:00.123Z"
device_types = st.sampled_from(
    [row.name for row in CATALOGUE.values() if row.source is Source.DEVICE]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def event(**changes: object) -> dict[str, object]:
    return {"seq": 1234, "type": "door.opened", "at": AT, "data": {}, **changes}


def one(payload: object, **kwargs: object) -> tuple[list[EventMessage], list[DecodeError]]:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    decoded = decode_events(body, **kwargs)
    return decoded.events, decoded.errors


@given(st.binary(max_size=400))
def test_any_bytes_are_decoded_or_refused_with_a_reason(payload: bytes) -> None:
    decoded = decode_events(payload)
    assert decoded.events or decoded.errors
    assert all(error.reason for error in decoded.errors)
    for decode in (decode_status, decode_reply):
        try:
            decode(payload)
        except DecodeError as error:
            assert error.reason


@given(
    st.dictionaries(
        st.sampled_from(["seq", "type", "at", "data", "ack", "x"]),
        json_values | device_types | st.just(AT),
    )
)
def test_any_json_object_is_decoded_or_refused(fields: dict[str, object]) -> None:
    events, errors = one(fields)
    assert len(events) + len(errors) == 1


@given(
    seq=st.integers(0, MAX_SEQ),
    kind=device_types,
    at=st.datetimes(
        datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone(timedelta(hours=9)))
    ),
    data=st.dictionaries(st.text(max_size=8), json_values, max_size=4),
    ack=st.booleans(),
)
def test_what_a_device_encodes_comes_back(
    seq: int, kind: str, at: datetime, data: dict[str, object], ack: bool
) -> None:
    raw = json.dumps(data).encode()
    message = EventMessage(seq, kind, at, msgspec.Raw(raw), ack)
    decoded = decode_events(encode(message))
    assert not decoded.errors
    (back,) = decoded.events
    assert (back.seq, back.type, back.at, back.ack) == (seq, kind, at, ack)
    assert bytes(back.data) == raw, "the payload is kept as the bytes that came"
    assert back.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seq": -1}, "schema"),
        ({"seq": MAX_SEQ + 1}, "schema"),
        ({"seq": 1.5}, "schema"),
        ({"seq": "7"}, "schema"),
        ({"type": "door.exploded"}, "type"),
        ({"type": "loiter.started"}, "source"),
        ({"at": "2026-11-22T10:00:00"}, "schema"),
        ({"at": "yesterday"}, "schema"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "time"),
        ({"data": [1]}, "schema"),
        ({"data": 7}, "schema"),
        ({"ack": "yes"}, "schema"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(change: dict[str, object], reason: str) -> None:
    events, errors = one(event(**change))
    assert not events
    assert [error.reason for error in errors] == [reason]


@pytest.mark.parametrize("seq", [0, MAX_SEQ])
def test_seq_limits_are_inside(seq: int) -> None:
    events, errors = one(event(seq=seq))
    assert not errors
    assert events[0].seq == seq


def test_a_refused_event_is_answered_where_its_seq_can_be_read() -> None:
    _, (error,) = one(event(type="nonsense"))
    assert error.seq == 1234
    _, (error,) = one(b'{"seq": 99, "type": "door.opened", "at": ')
    assert error.seq == 99
    _, (error,) = one(b"no json at all")
    assert error.seq is None


def test_a_bad_neighbour_stops_nobody() -> None:
    events, errors = one([event(seq=1), event(seq=2, at="?"), event(seq=3)])
    assert [e.seq for e in events] == [1, 3]
    assert [(e.reason, e.seq) for e in errors] == [("schema", 2)]


@pytest.mark.parametrize(("n", "good"), [(1, True), (MAX_EVENTS, True), (MAX_EVENTS + 1, False)])
def test_array_limits(n: int, good: bool) -> None:
    events, errors = one([event(seq=i) for i in range(n)])
    assert (len(events) == n) is good
    assert bool(errors) is not good


def test_an_empty_array_and_an_array_on_alarm_are_refused() -> None:
    assert one([])[1][0].reason == "count"
    assert one([event()], array=False)[1][0].reason == "schema"


@pytest.mark.parametrize(("extra", "good"), [(0, True), (1, False)])
def test_message_size_limit(extra: int, good: bool) -> None:
    empty = len(json.dumps(event(data={"x": ""})))
    body = json.dumps(event(data={"x": "a" * (MAX_MESSAGE_BYTES - empty + extra)})).encode()
    assert len(body) == MAX_MESSAGE_BYTES + extra
    events, errors = one(body)
    assert bool(events) is good
    assert [e.reason for e in errors] == ([] if good else ["size"])


def test_unknown_fields_are_dropped_with_a_count() -> None:
    decoded = decode_events(json.dumps(event(colour="red", size=3)).encode())
    assert decoded.unknown_fields == 2
    assert len(decoded.events) == 1


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    deep = b'{"seq":1,"type":"door.opened","at":"2026-11-22T10:00:00Z","data":{"x":'
    assert one(deep + b"[" * 60_000)[1][0].reason == "json"
    assert one(b"[" * 60_000)[1][0].reason == "json"


def test_broken_utf8_inside_data_is_refused() -> None:
    body = b'{"seq":1,"type":"door.opened","at":"2026-11-22T10:00:00Z","data":{"x":"\xff"}}'
    assert one(body)[1][0].reason == "json"


def test_an_ack_reads_as_the_protocol_says() -> None:
    ack = Ack([7, 8], [Rejected(9, "schema")])
    assert json.loads(encode(ack)) == {
        "stored": [7, 8],
        "rejected": [{"seq": 9, "reason": "schema"}],
    }


def test_status_and_reply() -> None:
    status = decode_status(b'{"online":true,"fw":"1.4.2","battery":87,"rssi":-61,"x":1}')
    assert (status.online, status.battery, status.rssi) == (True, 87, -61)
    assert decode_status(b'{"online":false}').online is False
    with pytest.raises(DecodeError, match="schema"):
        decode_status(b'{"online":true,"battery":101}')
    assert decode_reply(b'{"id":"c1","ok":true,"data":{"a":1}}').ok
    with pytest.raises(DecodeError, match="schema"):
        decode_reply(b'{"id":"","ok":true}')
