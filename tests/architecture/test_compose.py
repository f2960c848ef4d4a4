"""The compose file: every process, health checks, secrets from files, no default password."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import broker_addresses

FILE = Path(__file__).parents[2] / "docker-compose.yml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def test_every_process_has_its_container(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {
        "database", "migrate", "broker", "broker-2", "broker-3", "alarms", "watchman", "ingest",
        "detect", "app", "fleet", "turn",
    }  # fmt: skip
    for name in ("alarms", "ingest", "detect", "app", "watchman", "broker"):
        assert services[name]["command"] == ["run", name]
    assert services["fleet"]["profiles"] == ["fleet"]
    assert services["turn"]["profiles"] == ["talk"]
    for name in ("database", "broker", "app"):
        assert services[name]["healthcheck"]["test"]


def test_a_cluster_is_three_nodes_that_know_each_other(compose: dict[str, Any]) -> None:
    """With cluster.env; without it the routes are empty and one broker stands alone."""
    lines = (FILE.parent / "cluster.env").read_text(encoding="utf-8").splitlines()
    env = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    names = ["broker", "broker-2", "broker-3"]
    routes = env["DOORGUARD_BROKER_ROUTES"].split(",")
    assert [peer.rpartition(":")[0] for peer in routes] == names
    assert [node.host for node in broker_addresses(env["DOORGUARD_BROKER"])] == names
    assert all(node.tls for node in broker_addresses(env["DOORGUARD_BROKER"]))
    volumes = set()
    for name in names:
        node = compose["services"][name]
        assert node["command"] == ["run", "broker"]
        assert node.get("profiles", []) == ([] if name == "broker" else [env["COMPOSE_PROFILES"]])
        assert node["environment"]["DOORGUARD_BROKER_NODE"] == name
        assert node["environment"]["DOORGUARD_BROKER_ROUTES"] == "${DOORGUARD_BROKER_ROUTES:-}"
        assert not any("6222" in port for port in node["ports"]), "routes stay inside"
        assert {"broker_ca", "broker_cert", "broker_key"} <= set(node["secrets"])
        volumes.update(node["volumes"])
    assert len(volumes) == 3
    assert compose["services"]["ingest"]["deploy"]["replicas"] == "${DOORGUARD_WORKERS:-1}"
    assert compose["services"]["alarms"]["deploy"]["replicas"] == "${DOORGUARD_ALARMS:-1}"


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


def test_the_relay_of_talks_lets_in_nobody_without_our_word(compose: dict[str, Any]) -> None:
    (command,) = compose["services"]["turn"]["command"]
    assert "--use-auth-secret" in command
    assert '--static-auth-secret="$$(cat /run/secrets/turn_secret)"' in command
    assert "--no-cli" in command
    assert "--denied-peer-ip=10.0.0.0-10.255.255.255" in command
    assert "turn_secret" in compose["services"]["app"]["secrets"]
