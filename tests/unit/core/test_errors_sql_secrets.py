"""Small mechanisms of the ground floor: named queries, derived secrets, broker addresses."""

from __future__ import annotations

import pytest

from core import sql
from core.errors import ConfigurationError
from core.secrets import derive, new_secret, same
from core.settings import BrokerAddress, load


def test_named_queries_come_without_heads_or_comments() -> None:
    queries = sql.load("ingest")
    assert queries["stored_as_reported"].startswith("SELECT e.device_id")
    assert all("-- name" not in text for text in queries.values())


def test_derived_secrets_differ_by_purpose_and_key() -> None:
    key, other = new_secret(), new_secret()
    assert derive(key, "a") == derive(key, "a")
    assert len({derive(key, "a"), derive(key, "b"), derive(other, "a")}) == 3
    assert len(derive(key, "a", n_bytes=16)) == 22
    assert same("x", "x")
    assert not same("x", "y")


def test_a_broker_url_is_read_with_user_port_and_tls() -> None:
    address = BrokerAddress("mqtts://svc:p%40ss@broker.example")
    assert (address.host, address.port, address.tls) == ("broker.example", 8883, True)
    assert (address.username, address.password) == ("svc", "p@ss")
    assert BrokerAddress("mqtt://127.0.0.1:1999").port == 1999
    with pytest.raises(ConfigurationError, match="mqtt://"):
        BrokerAddress("http://x")


def test_missing_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(broker="mqtt://x")
    assert "DOORGUARD_DATABASE" in str(caught.value)
    assert "DOORGUARD_SERVICE_KEY" in str(caught.value)
    monkeypatch.setenv("DOORGUARD_SERVICE_KEY_FILE", "/nonexistent")
    with pytest.raises(ConfigurationError, match="SERVICE_KEY_FILE"):
        load()


def test_a_short_service_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="SERVICE_KEY"):
        load(
            database="x",
            broker="mqtt://x",
            service_key="admin",
            objects="/tmp/x",
            public_url="http://x",
            state_folder="/tmp/x",
        )
