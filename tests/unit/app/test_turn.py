"""Credentials of the relay: made as coturn checks them, for an hour, and never without a secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from app.doors.turn import VALID, ice_servers
from core.errors import ConfigurationError
from core.settings import Settings, load
from tests.conftest import NOON


def settings(tmp_path: Path, **given: str) -> Settings:
    return load(
        database="dbname=x",
        broker="mqtt://127.0.0.1:1",
        service_key="k" * 40,
        objects=str(tmp_path),
        public_url="http://localhost",
        state_folder=tmp_path,
        **given,
    )


def test_without_a_setting_nobody_outside_is_asked(tmp_path: Path) -> None:
    assert ice_servers(settings(tmp_path), "kim", NOON) == []


def test_a_relay_gets_a_name_that_ends_and_its_hmac(tmp_path: Path) -> None:
    given = settings(
        tmp_path,
        stun_urls="stun:a:3478",
        turn_urls="turn:a:3478?transport=udp, turn:a:3478?transport=tcp",
        turn_secret="shared-with-coturn",
    )
    stun, turn = ice_servers(given, "kim", NOON)
    assert stun == {"urls": ["stun:a:3478"]}
    assert turn["urls"] == ["turn:a:3478?transport=udp", "turn:a:3478?transport=tcp"]
    assert turn["username"] == f"{int((NOON + VALID).timestamp())}:kim"
    expected = hmac.digest(b"shared-with-coturn", turn["username"].encode(), hashlib.sha1)
    assert base64.b64decode(turn["credential"]) == expected


def test_a_relay_without_a_secret_is_no_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DOORGUARD_TURN_SECRET"):
        settings(tmp_path, turn_urls="turn:a:3478")
