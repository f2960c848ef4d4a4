"""Stage (c): publishers, broker, ingest workers, commit, and the `ack` back at the device."""

from __future__ import annotations

from dataclasses import dataclass

from app.bench import procfs
from app.bench.account import Count, count, latency_ms
from app.bench.publishers import Publishers
from app.bench.testbed import Testbed
from app.bench.workers import Workers

PUBLISHERS = 2
# At full speed a device makes so many events, the last of which asks, and waits for the answer:
# with 200 devices about as many stand unacknowledged as the broker's window holds.
ASKS_EVERY = 20
SLOW_RATE = 1000.0  # below it every event asks
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Ran:
    """One run end to end. CPU is that of the workers alone, read from outside them."""

    rows_s: float
    cpu_us_per_event: float
    broker_cpu_us_per_event: float | None
    publish_to_commit_ms: dict[str, float]
    samples: int
    peak_rss_mib: float
    resent: int
    unanswered: int
    rejected: int
    counted: Count


def run(bed: Testbed, *, events: int, workers: int, rate: float | None, receive: str) -> Ran:
    """Publish `events` and wait for all of them. Raises `TemporaryError`, `ConfigurationError`."""
    asks_every = 1 if rate is not None and rate <= SLOW_RATE else ASKS_EVERY
    publishers = Publishers(
        bed.devices,
        bed.brokers(),
        processes=PUBLISHERS,
        events=events,
        rate=rate,
        ack_every=asks_every,
        patience_s=_PATIENCE_S,
    )
    with Workers(bed, count=workers, receive=receive) as crew, publishers:
        pids, broker = crew.pids, bed.broker_pids()
        cpu_s, broker_s = procfs.cpu_s(pids), procfs.cpu_s(broker)
        publishers.go()
        account = publishers.account()
        cpu_s = procfs.cpu_s(pids) - cpu_s
        broker_s = procfs.cpu_s(broker) - broker_s
        peak_mib = max(procfs.memory_mib(pid, "VmHWM") for pid in pids)
    with bed.connect() as conn:
        counted = count(conn, account.sent)
    return Ran(
        rows_s=counted.rows / max(1e-9, account.ended_s - account.began_s),
        cpu_us_per_event=cpu_s / counted.sent * 1e6,
        broker_cpu_us_per_event=broker_s / counted.sent * 1e6 if broker else None,
        publish_to_commit_ms=latency_ms(account),
        samples=len(account.answers),
        peak_rss_mib=peak_mib,
        resent=account.resent,
        unanswered=account.unanswered,
        rejected=account.rejected,
        counted=counted,
    )
