"""The compose file: every process, health checks, secrets from files, no default password."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).parents[2] / "docker-compose.yml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def test_every_process_has_its_container(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {
        "database", "migrate", "broker", "alarms", "ingest", "detect", "app", "fleet",
    }  # fmt: skip
    for name in ("alarms", "ingest", "detect", "app", "broker"):
        assert services[name]["command"] == ["run", name]
    assert services["fleet"]["profiles"] == ["fleet"]
    for name in ("database", "broker", "app"):
        assert services[name]["healthcheck"]["test"]


def test_secrets_come_from_files_and_have_no_default(compose: dict[str, Any]) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert not re.search(r"(?i)(password|key|token)\s*[:=]\s*['\"]?[a-z0-9]{6,}", text)
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    for service in compose["services"].values():
        assert set(service["secrets"]) <= set(compose["secrets"])


def test_ours_are_locked_down(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name != "database":
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
