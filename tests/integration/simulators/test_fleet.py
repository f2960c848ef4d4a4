from __future__ import annotations

import threading

import pytest

from simulators.fleet import Fleet
from simulators.fleets import Fleets
from tests.integration.simulators.conftest import make_credentials

pytestmark = pytest.mark.integration


def fleet_of(homes, port):
    return Fleet(
        [
            (kind, make_credentials(f"{kind}-{home}", port))
            for home in range(homes)
            for kind in ("camera", "button")
        ],
        "evening",
        seed=11,
    )


def test_every_event_of_a_fleet_is_acknowledged_and_accounted_for(broker, backend):
    report = fleet_of(10, broker.port).run(4.0, speed=600.0)
    assert report.devices == report.connected == 20
    assert report.sent == report.acked > 50
    assert report.unacked == report.rejected == 0
    assert report.heartbeats > 0
    for device, seqs in report.seqs.items():
        assert seqs == sorted(set(seqs))
        rows = backend.stored.get(device, {})
        assert {seq for seq, event in rows.items() if event.type != "heartbeat"} == set(seqs)


def test_a_fleet_outlives_the_broker_and_loses_nothing(broker, backend):
    fleet = fleet_of(5, broker.port)
    happened = threading.Semaphore(0)
    reports = []
    runner = threading.Thread(
        target=lambda: reports.append(
            fleet.run(6.0, speed=600.0, on_event=lambda *_: happened.release())
        )
    )
    runner.start()
    for _ in range(20):
        assert happened.acquire(timeout=20)
    broker.stop()
    for _ in range(10):
        assert happened.acquire(timeout=20)
    broker.start()
    runner.join(90)
    (report,) = reports
    assert report.reconnects >= 10
    assert report.sent == report.acked
    for device, seqs in report.seqs.items():
        assert set(seqs) <= backend.stored.get(device, {}).keys()


def test_a_fleet_in_two_processes_has_one_account(broker, backend):
    members = [
        (kind, make_credentials(f"{kind}-{home}", broker.port))
        for home in range(6)
        for kind in ("camera", "button")
    ]
    fleets = Fleets(members, "steady", seed=3, processes=2)
    report = fleets.run(3.0, speed=20.0, drain_s=20.0)
    assert report.devices == report.connected == 12
    assert report.sent == report.acked > 100
    assert report.sent == sum(report.by_type.values()) == sum(map(len, report.seqs.values()))
    for device, seqs in report.seqs.items():
        assert bool(seqs) is device.startswith("camera")
        assert set(seqs) <= backend.stored.get(device, {}).keys()


def test_fleets_in_processes_end_when_told(broker, backend):
    members = [("camera", make_credentials(f"camera-{n}", broker.port)) for n in range(2)]
    fleets = Fleets(members, "steady", seed=3, processes=2)
    reports = []
    runner = threading.Thread(
        target=lambda: reports.append(fleets.run(600.0, speed=5.0, drain_s=20.0))
    )
    runner.start()
    assert backend.wait(lambda: len(backend.received) > 4)
    fleets.stop()
    runner.join(60)
    (report,) = reports
    assert report.sent == report.acked > 0  # what was under way is waited for


def test_a_fleet_that_is_told_twice_waits_for_nothing(broker, backend):
    backend.acking = False
    sent = threading.Event()
    fleet = fleet_of(1, broker.port)
    reports = []
    runner = threading.Thread(
        target=lambda: reports.append(
            fleet.run(600.0, speed=60.0, drain_s=600.0, on_event=lambda *_: sent.set())
        )
    )
    runner.start()
    assert sent.wait(30)
    fleet.stop()
    runner.join(1.0)
    assert runner.is_alive(), "told once it waits for the acks"
    fleet.stop()
    runner.join(30)
    (report,) = reports
    assert report.sent == report.unacked > 0


def test_a_fleet_that_gets_no_answer_says_what_it_still_owes(broker, backend):
    backend.acking = False
    report = fleet_of(1, broker.port).run(1.0, speed=3600.0, drain_s=0.5)
    assert report.sent == report.unacked > 0
    assert report.unacked_seqs == {d: seqs for d, seqs in report.seqs.items() if seqs}
