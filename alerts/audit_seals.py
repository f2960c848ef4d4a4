"""Keyed seals over both logs: who can write the database, and not read the key, cannot forge one.

A seal names the ends of the chains that moved since the one before (`alerts.audit`): for each
incident its last line and that line's digest, and the same of the access log. Its MAC is
HMAC-SHA-256(key, MAC of the seal before + body). So a chain that was rewritten from the beginning,
a cut-off tail and a whole log that is gone show, as soon as one seal stands over them; what is
younger than that waits in `audit_unsealed`. That the newest seals themselves were removed shows
by their head, kept outside of the database (`Head`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from alerts.audit import GENESIS
from core import sql
from core.database import Connection
from core.errors import PermanentError
from core.secrets import derive

EVERY_S = 10.0
_AT_MOST = 5000  # lines of one seal; more go into the next
_BATCH = 500  # seals that are compared with the logs by one query
_QUERIES = sql.load("alerts", "audit.sql")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal: what is kept elsewhere, so that it shows when seals are missing."""

    n: int
    mac: str

    def __str__(self) -> str:
        return f"{self.n}:{self.mac}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Return the head that was written as `N:MAC`; raise `PermanentError`."""
        n, _, mac = text.strip().partition(":")
        if not n.isascii() or not n.isdigit() or not mac:
            raise PermanentError(f"{text!r} is no head of the seals: N:MAC as `audit head` says it")
        return cls(int(n), mac)


@dataclass(slots=True)
class Report:
    """What the seals say of the logs: `problems`, a sentence each; lines that wait for a seal."""

    problems: list[str] = field(default_factory=list)
    seals: int = 0
    head: Head | None = None
    sealed_at: datetime | None = None
    waiting: int = 0
    waiting_since: datetime | None = None


def seal_key(service_key: str) -> bytes:
    """Return the key of the seals (32 bytes)."""
    return base64.urlsafe_b64decode(derive(service_key, "audit seals") + "=")


def last_head(conn: Connection) -> Head | None:
    """Return the head of the seals, None before the first."""
    row = conn.execute(_QUERIES["last_seal"]).fetchone()
    return Head(row["n"], bytes(row["mac"]).hex()) if row else None


def seal(conn: Connection, *, key: bytes, now: datetime) -> Head | None:
    """Seal what was written since the last time; None when nothing was, or another process seals.

    At most 5,000 lines go into one seal.
    """
    mine = conn.execute(_QUERIES["only_sealer"]).fetchone()
    if mine is None or not mine["mine"]:
        return None
    ends: dict[int, tuple[int, str]] = {}
    for row in conn.execute(_QUERIES["take_unsealed"], {"limit": _AT_MOST}).fetchall():
        end = (row["n"], bytes(row["digest"]).hex())
        ends[row["incident_id"]] = max(end, ends.get(row["incident_id"], (0, "")))
    last = conn.execute(_QUERIES["last_seal"]).fetchone()
    looked = conn.execute(_QUERIES["last_access_line"]).fetchone()
    access = [looked["n"], bytes(looked["digest"]).hex()] if looked else [0, ""]
    if not ends and access == (json.loads(last["body"])["access"] if last else [0, ""]):
        return None
    n, before = (last["n"] + 1, bytes(last["mac"])) if last else (1, GENESIS)
    body = json.dumps(
        {
            "n": n,
            "at": now.astimezone(UTC).isoformat(timespec="microseconds"),
            "access": access,
            "incidents": [[incident_id, *end] for incident_id, end in sorted(ends.items())],
        },
        sort_keys=True,
        separators=(",", ":"),
    )
    mac = _mac(key, before, body)
    conn.execute(_QUERIES["append_seal"], {"n": n, "at": now, "body": body, "mac": mac})
    return Head(n, mac.hex())


def verify(conn: Connection, *, key: bytes, known: Iterable[Head] = ()) -> Report:
    """Compare the seals with the logs; `known` are heads that were kept outside of the database.

    Memory: some 100 bytes an incident.
    """
    report = Report()
    sealed: dict[int, int] = {}
    heads = {head.n: head.mac for head in known}
    with conn.transaction():
        seals = _readable(conn, key, heads, report)
        while batch := list(islice(seals, _BATCH)):
            report.problems += _unlike_the_logs(conn, batch)
            for body in batch:
                sealed |= {incident_id: n for incident_id, n, _ in body["incidents"]}
        report.problems += [
            f"seals: {n} was seen once, and is not there" for n in sorted(heads) if n > report.seals
        ]
        report.problems += _out_of_sight(conn, sealed)
        waiting = conn.execute(_QUERIES["waiting"]).fetchone() or {"n": 0, "since": None}
    report.waiting, report.waiting_since = waiting["n"], waiting["since"]
    return report


def _mac(key: bytes, before: bytes, body: str) -> bytes:
    return hmac.digest(key, before + body.encode(), hashlib.sha256)


def _readable(
    conn: Connection, key: bytes, heads: Mapping[int, str], report: Report
) -> Iterator[dict[str, Any]]:
    """Yield what the seals say that are ours; what is wrong with the others goes to the report."""
    expected, before = 1, GENESIS
    with conn.cursor(name="seals") as cursor:
        cursor.itersize = _BATCH
        for row in cursor.execute(_QUERIES["seals"]):
            n, mac = row["n"], bytes(row["mac"])
            if n != expected:
                report.problems.append(f"seal {n}: seal {expected} is missing")
            if n in heads and heads[n] != mac.hex():
                report.problems.append(f"seal {n}: it is not the one that was seen once")
            ours = hmac.compare_digest(_mac(key, before, row["body"]), mac)
            body = json.loads(row["body"]) if ours else {}
            if not ours or body["n"] != n:
                report.problems.append(f"seal {n}: it was not made with this service key")
            else:
                yield body
            expected, before = n + 1, mac
            report.seals, report.head, report.sealed_at = n, Head(n, mac.hex()), row["at"]


def _unlike_the_logs(conn: Connection, seals: Sequence[dict[str, Any]]) -> Iterator[str]:
    ends = {(i, n): (digest, s["n"]) for s in seals for i, n, digest in s["incidents"]}
    given = {"incidents": [i for i, _ in ends], "lines": [n for _, n in ends]}
    for row in conn.execute(_QUERIES["sealed_lines"], given):
        digest, seal_n = ends[row["incident_id"], row["n"]]
        where = f"incident {row['incident_id']}, line {row['n']}"
        yield from _compared(where, row["digest"], digest, seal_n)
    looks = {n: (digest, s["n"]) for s in seals for n, digest in [s["access"]] if n}
    for row in conn.execute(_QUERIES["sealed_looks"], {"lines": list(looks)}):
        digest, seal_n = looks[row["n"]]
        yield from _compared(f"access log, line {row['n']}", row["digest"], digest, seal_n)


def _compared(where: str, found: bytes | None, sealed: str, seal_n: int) -> Iterator[str]:
    if found is None:
        yield f"{where}: it stands under seal {seal_n}, and is missing"
    elif bytes(found).hex() != sealed:
        yield f"{where}: it is not the line that stands under seal {seal_n}"


def _out_of_sight(conn: Connection, sealed: Mapping[int, int]) -> Iterator[str]:
    """Yield logs that end after what is sealed though nothing of theirs waits for a seal."""
    with conn.cursor(name="ends") as cursor:
        for row in cursor.execute(_QUERIES["ends_of_logs"]):
            if not row["waits"] and row["n"] > sealed.get(row["incident_id"], 0):
                where = f"incident {row['incident_id']}, line {row['n']}"
                yield f"{where}: it is under no seal, and waits for none"


def keep_head(file: Path, head: Head) -> bool:
    """Write the head to a file outside of the database; False, and nothing written, when the file
    has a later one, or another of the same number: seals were removed or replaced.
    """
    kept = read_head(file)
    if kept is not None and (kept.n > head.n or (kept.n == head.n and kept != head)):
        return False
    if kept != head:
        half = file.with_suffix(".half")
        half.touch(mode=0o600)
        half.write_text(str(head), encoding="utf-8")
        half.replace(file)
    return True


def read_head(file: Path) -> Head | None:
    """Return the head that was kept in a file, None when there is none. Raises `PermanentError`."""
    try:
        return Head.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
