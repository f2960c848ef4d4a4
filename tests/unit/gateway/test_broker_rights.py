"""The broker's users and rights follow from the registry, and its refusals are read back."""

from __future__ import annotations

import json
from typing import Any

from core.topics import device_root
from gateway.nats_config import Listener, Node, RouteTls, render
from gateway.roles import ROLES, device_role
from gateway.violations import read_line


def users() -> dict[str, dict[str, object]]:
    text = render(
        listener=Listener("127.0.0.1", 1999),
        store_folder="/x",
        services=dict.fromkeys(ROLES, "$2b$04$service"),
        devices=[("door-cam-1", "$2b$04$device")],
    )
    return {user["user"]: user for user in json.loads(text)["authorization"]["users"]}


def test_a_device_has_exactly_its_own_topics() -> None:
    rights = users()["door-cam-1"]["permissions"]
    root = device_root("door-cam-1").replace("/", ".")
    assert rights == {
        "publish": [f"{root}.{kind}" for kind in ("alarm", "event", "frame", "status", "reply")],
        "subscribe": [f"{root}.{kind}" for kind in ("ack", "cmd", "config")],
    }
    assert not any("+" in topic for topic in device_role("door-cam-1").publish)


def test_detectors_cannot_speak_for_devices_nor_command_them() -> None:
    publish = users()["svc-detect"]["permissions"]["publish"]
    assert publish == [
        "dg.v1.*.*.finding",
        "dg.v1.*.*.finding.alarm",
        "dg.svc.detect.report",
        "dg.svc.detect.worker.*",
    ]


def test_nobody_may_use_another_protocol() -> None:
    assert all(user["allowed_connection_types"] == ["MQTT"] for user in users().values())


def test_tls_files_reach_the_listener() -> None:
    text = render(
        listener=Listener("0.0.0.0", 8883, "/c.pem", "/k.pem"),  # noqa: S104
        store_folder="/x",
        services=dict.fromkeys(ROLES, "h"),
        devices=[],
    )
    assert json.loads(text)["mqtt"]["tls"] == {"cert_file": "/c.pem", "key_file": "/k.pem"}


def test_refusals_in_the_log_are_read() -> None:
    head = "[8436] 2026/11/22 19:04:10.714147 [ERR] 127.0.0.1:35371 - mid:26 - "
    other = device_root("door-cam-2")
    found = read_line(
        f'{head}"door-cam-1" - Publish Violation - Subject "{other.replace("/", ".")}.alarm"'
    )
    assert found is not None
    assert (found.reason, found.device_id) == ("foreign_topic", "door-cam-1")
    assert found.topic == f"{other}/alarm"
    found = read_line(f'{head}"door-cam-1" - maximum payload exceeded: 5000025 vs 1500000')
    assert found is not None
    assert (found.reason, found.size_bytes) == ("size", 5000025)
    found = read_line(f'{head}"x" - authentication error - User "x"')
    assert found is not None
    assert (found.reason, found.device_id) == ("credentials", None)
    assert read_line("[8436] [INF] Server is ready") is None


def of_a_cluster(tls: RouteTls | None = None) -> dict[str, Any]:
    peers = tuple(f"10.0.0.{number}:6222" for number in range(1, 6))
    text = render(
        listener=Listener("127.0.0.1", 1999),
        store_folder="/x",
        services=dict.fromkeys(ROLES, "h"),
        devices=[],
        node=Node("broker-2", peers[1], peers, "pass:word/?", tls),
    )
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_node_keeps_three_copies_and_names_every_peer() -> None:
    config = of_a_cluster()
    assert config["server_name"] == "broker-2"
    assert config["mqtt"]["stream_replicas"] == 3
    assert config["mqtt"]["js_api_timeout"] == "2s"
    cluster = config["cluster"]
    assert cluster["listen"] == "10.0.0.2:6222"
    assert cluster["routes"][0] == "nats-route://route:pass%3Aword%2F%3F@10.0.0.1:6222"
    assert len(cluster["routes"]) == 5
    assert cluster["authorization"]["password"] == "pass:word/?"
    assert "tls" not in cluster


def test_nodes_show_each_other_certificates() -> None:
    tls = of_a_cluster(RouteTls("/c.pem", "/k.pem", "/ca.pem"))["cluster"]["tls"]
    assert tls == {
        "cert_file": "/c.pem", "key_file": "/k.pem", "ca_file": "/ca.pem", "verify": True,
    }  # fmt: skip


def test_a_server_alone_has_no_cluster_and_nothing_to_look_into() -> None:
    text = render(
        listener=Listener("127.0.0.1", 1999),
        store_folder="/x",
        services=dict.fromkeys(ROLES, "h"),
        devices=[],
    )
    assert not {"cluster", "http", "http_port"} & set(json.loads(text))
    assert "stream_replicas" not in json.loads(text)["mqtt"]
