"""A device tries every node at once, then waits longer each round."""

from __future__ import annotations

from simulators.addresses import RETRY_CAP_S, RETRY_FIRST_S, Address, Rota
from simulators.connection import Credentials

NODES = [Address("127.0.0.1", port) for port in (1, 2, 3)]


def test_the_first_round_is_at_once_and_takes_every_node() -> None:
    rota = Rota(NODES, "door-cam-1")
    tried = []
    for _ in NODES:
        assert rota.retry_at_s <= 100.0
        tried.append(rota.take(100.0))
    assert sorted(tried) == NODES
    assert 100.0 + RETRY_FIRST_S / 2 <= rota.retry_at_s <= 100.0 + RETRY_FIRST_S


def test_it_waits_longer_each_time_but_never_past_the_cap() -> None:
    rota = Rota(NODES, "door-cam-1")
    waits = []
    for _ in range(30):
        rota.take(0.0)
        waits.append(rota.retry_at_s)
    assert waits[:2] == [0.0, 0.0]
    assert max(waits) <= RETRY_CAP_S
    assert min(waits[-10:]) >= RETRY_CAP_S / 2


def test_a_node_lost_after_it_stood_is_not_the_next() -> None:
    rota = Rota(NODES, "door-cam-1")
    stood = rota.take(0.0)
    rota.arrived()
    assert rota.take(9.0) != stood
    assert rota.retry_at_s == 9.0, "a new first round"


def test_a_press_does_not_wait() -> None:
    rota = Rota(NODES[:1], "button-1")
    rota.take(5.0)
    assert rota.retry_at_s > 5.0
    rota.hurry()
    assert rota.retry_at_s < 0.0


def test_a_fleet_spreads_over_the_nodes() -> None:
    first = [Rota(NODES, f"door-cam-{number}").take(0.0) for number in range(300)]
    assert all(first.count(node) > 60 for node in NODES)


def test_credentials_with_one_address_or_several() -> None:
    printed = {
        "device": "button-1", "username": "button-1", "password": "p", "host": "a", "port": 1,
        "topic_root": "dg/v1/00/button-1",
    }  # fmt: skip
    assert Credentials.from_json(printed).addresses == (Address("a", 1),)
    several = {**printed, "addresses": [{"host": "a", "port": 1}, {"host": "b", "port": 2}]}
    assert Credentials.from_json(several).addresses == (Address("a", 1), Address("b", 2))
