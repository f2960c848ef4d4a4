"""The quick decoder says exactly what the careful one says, or nothing."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import Source
from core.wire import MAX_MESSAGE_BYTES, decode_events, exact_event

_SNIPPETS = st.sampled_from(
    [
        b'{"seq":1,"type":"door.opened","at":"2026-11-22T10:00:00Z","data":',
        b'{"seq":1,"type":"loiter.started","at":"2026-11-22T10:00:00.5Z","data":',
        b'{"seq":2,"type":"door.opened","at":"2026-11-22T19:00:00+09:00","ack":true,"data":',
        b'{"seq":3,"type":"door.opened","at":"0001-01-01T00:00:00+14:00","data":',
        b'{"seq":4,"type":"nonsense","at":"2026-11-22T10:00:00Z","data":',
        b'{"seq":9223372036854775808,"type":"door.opened","at":"2026-11-22T10:00:00Z","data":',
    ]
)
_DATA = st.sampled_from(
    [
        b"{}",
        b'{"a":1}',
        b"[]",
        b"7",
        b'{"a":"\xff"}',
        b'{"a":"\xc3\xa9"}',
        b'{"a":01}',
        b'{"\\u00"}',
    ]
) | st.dictionaries(st.text(max_size=4), st.text(max_size=6), max_size=3).map(
    lambda data: json.dumps(data, ensure_ascii=False).encode()
)
_ENDS = st.sampled_from([b"}", b" }", b',"colour":"red"}', b',"ack":true}', b"", b"}}", b"} "])


def _agree(payload: bytes) -> None:
    for source in (Source.DEVICE, Source.DETECTOR):
        quick = exact_event(payload, source=source)
        careful = decode_events(payload, source=source)
        if quick is None:
            continue
        assert not careful.errors
        assert not careful.unknown_fields
        (event,) = careful.events
        assert (quick.seq, quick.type, quick.at, quick.ack) == (
            event.seq,
            event.type,
            event.at,
            event.ack,
        )
        assert quick.at.tzinfo is event.at.tzinfo
        assert bytes(quick.data) == bytes(event.data)


@given(_SNIPPETS, _DATA, _ENDS)
def test_near_an_event(head: bytes, data: bytes, end: bytes) -> None:
    _agree(head + data + end)


@given(st.binary(max_size=200))
def test_any_bytes(payload: bytes) -> None:
    _agree(payload)


def test_the_common_case_is_quick_and_the_limits_are_kept() -> None:
    head = b'{"seq":1,"type":"door.opened","at":"2026-11-22T10:00:00Z","data":{"a":"'
    fits = head + b"x" * (MAX_MESSAGE_BYTES - len(head) - 3) + b'"}}'
    assert exact_event(fits) is not None
    assert exact_event(fits.replace(b"xx", b"xxx", 1)) is None
    assert exact_event(b"[" * 100_000) is None
