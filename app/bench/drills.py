"""Drills under load: the database stopped, a worker or a broker node killed; then the count.

Every event is kept by its device until it is acknowledged, and sent again meanwhile. So nothing
may be lost, whatever is broken, and the table shows whether anything was.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from app.bench import procfs
from app.bench.account import count, latency_ms, takeover_s
from app.bench.publishers import Publishers
from app.bench.testbed import Testbed
from app.bench.workers import Workers
from app.site import Site
from core.clock import SystemClock
from core.errors import ConfigurationError, TemporaryError
from simulators.generator import Account

PUBLISHERS = 2
DEVICES = 200
_QUIET_S = 5.0  # under load before and after what is done to the system
_PATIENCE_S = 180.0
_LOOK_EVERY_S = 0.5
_EXACT_RATE = 5000.0  # up to here every event asks; above it, one in ten
_WHOLE_WITHIN_S = 60.0
_BETWEEN_KILLS_S = (1.0, 4.0)
_REJOIN_S = 10.0  # a node of the broker takes up its copies again
_RECOVER_S = 15.0  # each kill meets a system that has worked off the one before
_BEFORE_S, _AFTER_S = 2.0, 15.0  # events that a kill may have delayed were due in this time


@dataclass(frozen=True, slots=True)
class Kill:
    """What was killed, and how long it was felt.

    `takeover_s`: until rows of every device were committed again. `longest_wait_s`: the longest
    that an event made around then waited for its answer, the backlog worked off included.
    """

    victim: str
    takeover_s: float
    longest_wait_s: float


def _publishers(bed: Testbed, rate: float) -> Publishers:
    return Publishers(
        bed.devices,
        bed.brokers(),
        processes=PUBLISHERS,
        events=None,
        rate=rate,
        ack_every=1 if rate <= _EXACT_RATE else 10,
        patience_s=_PATIENCE_S,
    )


def _devices(rate: float) -> int:
    return max(2, min(DEVICES, int(rate)))


def _figures(bed: Testbed, account: Account) -> dict[str, Any]:
    with bed.connect() as conn:
        counted = count(conn, account.sent)
    return {
        "ok": counted.ok and not account.unanswered and not account.rejected,
        **asdict(counted),
        "unanswered": account.unanswered,
        "rejected": account.rejected,
        "resent": account.resent,
        "reconnects": account.connects - len(account.sent),
        "publish_to_commit_ms": latency_ms(account),
        "machine": procfs.machine(),
    }


def outage(site: Site, *, seconds: float, rate: float) -> dict[str, Any]:
    """Stop the database for `seconds` under `rate` events/s. Raises `DoorGuardError`."""
    procfs.check()
    if site.database is not None:
        raise ConfigurationError("the drill stops its own database, never one that is named")
    wait = threading.Event().wait
    with (
        Testbed(site, devices=_devices(rate)) as bed,
        Workers(bed, count=1, receive="bulk") as crew,
        _publishers(bed, rate) as publishers,
    ):
        if bed.own is None:
            raise AssertionError("a testbed without a named database has its own")
        publishers.go()
        wait(_QUIET_S)
        (pid,) = crew.pids
        before_mib = most_mib = procfs.memory_mib(pid)
        bed.own.stop()
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            wait(min(_LOOK_EVERY_S, max(0.0, end_s - time.monotonic())))
            most_mib = max(most_mib, procfs.memory_mib(pid))
        bed.own.start()
        back_s = time.monotonic()
        wait(_QUIET_S)
        publishers.stop()
        account = publishers.account()
        after_mib = procfs.memory_mib(pid)
        most_mib = max(most_mib, procfs.memory_mib(pid, "VmHWM"))
        late = [due_s + waited_s for due_s, waited_s in account.answers if due_s <= back_s]
        return _figures(bed, account) | {
            "seconds": seconds,
            "rate": rate,
            "recovery_s": round(max(late, default=back_s) - back_s, 1),
            "worker_restarted": crew.pids != [pid],
            "rss_before_mib": round(before_mib, 1),
            "rss_most_mib": round(most_mib, 1),
            "rss_after_mib": round(after_mib, 1),
        }


def failover(site: Site, *, workers: int, brokers: int, kills: int, rate: float) -> dict[str, Any]:
    """Kill with -9, at random moments, one of several workers, or nodes of a broker of several.

    Raises `DoorGuardError`.
    """
    procfs.check()
    if brokers == 1 and workers == 1:
        raise ConfigurationError("somebody must be left: give --workers 2 or --brokers 3")
    wait = threading.Event().wait
    killed: list[tuple[str, float, datetime]] = []
    with (
        Testbed(site, devices=_devices(rate), brokers=brokers) as bed,
        Workers(bed, count=workers, receive="bulk") as crew,
        _publishers(bed, rate) as publishers,
    ):
        publishers.go()
        wait(_QUIET_S)
        for _ in range(kills):
            wait(random.uniform(*_BETWEEN_KILLS_S))
            number = random.randrange(brokers if brokers > 1 else workers)
            victim = f"broker-{number + 1}" if brokers > 1 else crew.names[number]
            pid = bed.kill_broker(number) if brokers > 1 else crew.kill(number)
            if pid is None:
                raise TemporaryError(f"{victim} was not running, and could not be killed")
            killed.append((victim, time.monotonic(), datetime.now(UTC)))
            wait(_REJOIN_S if brokers > 1 else _RECOVER_S)
            _wait_whole(crew)
        publishers.stop()
        account = publishers.account()
        figures = _figures(bed, account)
        with bed.connect() as conn:
            felt = [
                Kill(victim, takeover_s(conn, list(account.sent), at), _longest_wait_s(account, s))
                for victim, s, at in killed
            ]
    return figures | {
        "workers": workers,
        "brokers": brokers,
        "rate": rate,
        "kills": [asdict(one) for one in felt],
        "takeover_s": max((one.takeover_s for one in felt), default=0.0),
    }


def _wait_whole(crew: Workers) -> None:
    """Wait until every worker runs and is connected; raise `TemporaryError` after a minute."""
    clock = SystemClock()
    end_s = clock.monotonic_s() + _WHOLE_WITHIN_S
    while not crew.ready():
        if clock.monotonic_s() > end_s:
            raise TemporaryError("a worker that was killed did not come back within a minute")
        threading.Event().wait(_LOOK_EVERY_S)


def _longest_wait_s(account: Account, killed_s: float) -> float:
    around = [
        waited_s
        for due_s, waited_s in account.answers
        if killed_s - _BEFORE_S <= due_s < killed_s + _AFTER_S
    ]
    return round(max(around, default=0.0), 2)


def as_text(found: dict[str, Any]) -> str:
    """Return the outcome for a person."""
    lines = [
        "nothing lost, nothing doubled, in order" if found["ok"] else "NOT EVERY EVENT ONCE",
        (
            f"sent {found['sent']}, rows {found['rows']}, lost {found['lost']}, "
            f"doubled {found['doubled']}, out of order {found['out_of_order']}, "
            f"unanswered {found['unanswered']}; sent again {found['resent']}"
        ),
    ]
    if "recovery_s" in found:
        lines.append(
            f"database away {found['seconds']:g} s at {found['rate']:g} events/s; all of it "
            f"answered {found['recovery_s']} s after it was back; worker's memory "
            f"{found['rss_before_mib']} MiB before, {found['rss_most_mib']} at most, "
            f"{found['rss_after_mib']} after"
        )
    lines += [
        f"killed {kill['victim']:<10} taken over in {kill['takeover_s']:>5} s, longest wait "
        f"{kill['longest_wait_s']:>6} s"
        for kill in found.get("kills", [])
    ]
    return "\n".join(lines)
