from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DecodeError
from detectors.config import CameraConfig, decode_config


def test_the_message_of_the_protocol() -> None:
    zone = [[0.1, 0.2], [0.9, 0.2], [0.9, 1.0]]
    payload = {"version": 3, "loiter": {"after_s": 45, "zone": zone}, "volume": 7}
    config = decode_config(json.dumps(payload).encode())
    assert config == CameraConfig(
        version=3, loiter_after_s=45.0, zone=((0.1, 0.2), (0.9, 0.2), (0.9, 1.0))
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
