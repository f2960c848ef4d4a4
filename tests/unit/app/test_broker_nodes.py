"""How many nodes, where their files lie, how devices reach them."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.embedded import nodes
from app.provision import device_addresses
from core.errors import ConfigurationError
from core.settings import Settings, load
from gateway.nats_config import Listener
from simulators.addresses import Address

KEY = "k" * 40


@pytest.mark.parametrize("number", [0, 2, 4, 6])
def test_a_number_that_protects_from_nothing_is_refused_with_the_reason(number: int) -> None:
    with pytest.raises(ConfigurationError, match=r"1, 3 or 5 .* majority"):
        nodes.check_size(number)


def test_routes_stay_on_this_machine_and_know_a_secret(tmp_path: Path) -> None:
    ports = {f"broker-{number}-route": 7000 + number for number in (1, 2, 3)}
    listeners = [Listener("0.0.0.0", port, "c", "k") for port in (1, 2, 3)]  # noqa: S104
    made = nodes.servers(tmp_path, listeners, service_key=KEY, port=ports.__getitem__)
    assert [server.name for server in made] == ["broker-1", "broker-2", "broker-3"]
    assert len({server.store for server in made}) == 3
    for server, port in zip(made, (7001, 7002, 7003), strict=True):
        assert server.node is not None
        assert server.node.listen == f"127.0.0.1:{port}"
        assert server.node.peers == ("127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003")
        assert len(server.node.password) > 40
        assert server.node.password not in repr(server)


def test_the_number_is_remembered_until_the_stores_are_gone(tmp_path: Path) -> None:
    assert nodes.found(tmp_path) == 0
    nodes.keep(tmp_path, 3)
    (tmp_path / "broker" / "broker-2" / "jetstream").mkdir(parents=True)
    assert nodes.found(tmp_path) == 3
    nodes.remove(tmp_path)
    assert nodes.found(tmp_path) == 0
    assert not list((tmp_path / "broker").iterdir())


def test_a_store_made_before_there_were_clusters_is_one(tmp_path: Path) -> None:
    (tmp_path / "broker" / "jetstream").mkdir(parents=True)
    assert nodes.found(tmp_path) == 1


def test_a_removal_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    nodes.keep(tmp_path, 3)
    (tmp_path / "broker" / "broker-3" / "jetstream").mkdir(parents=True)
    (tmp_path / "broker" / "emptied").touch()
    assert nodes.found(tmp_path) == 0


def settings(device_host: str | None) -> Settings:
    return load(
        database="dbname=x",
        broker="mqtts://broker:8883,mqtts://broker-2:8883",
        service_key=KEY,
        objects="/o",
        public_url="http://x",
        state_folder="/s",
        device_host=device_host,
    )


@pytest.mark.parametrize(
    ("device_host", "addresses"),
    [
        (None, [("broker", 8883), ("broker-2", 8883)]),
        ("dg.example", [("dg.example", 8883)]),
        ("dg.example:8883, dg.example:8884", [("dg.example", 8883), ("dg.example", 8884)]),
        ("2001:db8::1", [("2001:db8::1", 8883)]),
        ("[2001:db8::1]:8883", [("2001:db8::1", 8883)]),
    ],
)
def test_devices_are_told_every_address(
    device_host: str | None, addresses: list[tuple[str, int]]
) -> None:
    assert device_addresses(settings(device_host)) == [Address(*one) for one in addresses]
