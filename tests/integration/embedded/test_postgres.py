"""The embedded PostgreSQL starts over what a power cut left, and harms no stranger."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from app.embedded.ports import free_port
from app.embedded.postgres import NAME, EmbeddedPostgres
from core.clock import SystemClock
from core.supervisor import Supervisor


def server(folder: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(
        folder,
        port=free_port(),
        password="of-doorguard",
        superuser_password="of-postgres",
        reachable=folder,
        identity="test",
        durable=False,
    )


def started(postgres: EmbeddedPostgres) -> Supervisor:
    supervisor = Supervisor(SystemClock(), lambda _name, _line: None)
    supervisor.add(postgres.prepare())
    poll = threading.Event()
    for _ in range(600):
        if postgres.ready(supervisor.pid(NAME)):
            return supervisor
        poll.wait(0.05)
    raise AssertionError("not ready")


def test_a_stale_pid_of_a_stranger_is_forgotten(scratch: Path) -> None:
    folder = scratch / "stale"
    first = server(folder)
    supervisor = started(first)
    pid = supervisor.pid(NAME)
    left = (first.data / "postmaster.pid").read_text()
    supervisor.stop()

    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (first.data / "postmaster.pid").write_text(left.replace(str(pid), str(stranger.pid), 1))
    again = server(folder)
    assert again.ready(None) is False
    supervisor = started(again)
    again.make_database()
    assert stranger.poll() is None, "the stranger lives"
    supervisor.stop()
    stranger.kill()
    stranger.wait()


def test_an_orphan_of_ours_is_stopped_first(scratch: Path) -> None:
    folder = scratch / "orphan"
    first = server(folder)
    program = first.prepare()
    orphan = subprocess.Popen(
        list(program.argv),
        user=program.user,
        group=program.group,
        extra_groups=[] if program.user is not None else None,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    poll = threading.Event()
    while not first.ready(orphan.pid):
        poll.wait(0.05)
    reaper = threading.Thread(target=orphan.wait)  # its real parent would be init
    reaper.start()
    supervisor = started(server(folder))
    assert orphan.poll() is not None
    reaper.join()
    supervisor.stop()
