"""How long each kind of data is kept. Events go by whole chunks or partitions, never row by row."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import psycopg
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core import sql
from core.database import Connection, translated
from core.errors import ConfigurationError, Contended
from ingest.storage.engine import BACKLOG, Engine, engine

_LEAST_EVENTS_D = BACKLOG.days + 4
_ROWS_A_STEP = 10_000
_TRIES = 20  # at 0.25 s a lock and as long a pause
_PAUSE_S = 0.25
_QUERIES = sql.load("ingest.storage")
_TIMESCALE = sql.load("ingest.storage", "timescale.sql")


class Retention(BaseSettings):
    """Settings `DOORGUARD_KEEP_…_D`, in days."""

    model_config = SettingsConfigDict(env_prefix="DOORGUARD_", extra="ignore", frozen=True)

    keep_events_d: int = Field(
        default=365,
        ge=_LEAST_EVENTS_D,
        description="events, and the places of those with a wrong clock: a year of seasons to "
        "compare with; never less than a device's backlog",
    )
    keep_rollups_d: int = Field(
        default=1096,
        ge=_LEAST_EVENTS_D,
        description="counts per home and day and per hour: the three years a home is supported",
    )
    keep_rejected_d: int = Field(
        default=30, ge=1, description="rejected messages, for whoever looks into a faulty device"
    )


def load_retention() -> Retention:
    """Read the settings; raise `ConfigurationError`."""
    try:
        return Retention()
    except ValidationError as error:
        lines = [
            f"DOORGUARD_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}"
            for item in error.errors()
        ]
        raise ConfigurationError("; ".join(lines)) from None


def retain(conn: Connection, now: datetime, keep: Retention) -> list[str]:
    """Drop what is past its time; return the names of chunks and partitions dropped.

    `conn` in autocommit: every step is a short transaction. Raises `Contended` when a table is
    never free for a moment.
    """
    events = now - timedelta(days=keep.keep_events_d)
    rollups = now - timedelta(days=keep.keep_rollups_d)
    if engine(conn) is Engine.TIMESCALE:
        dropped = conn.execute(_TIMESCALE["drop_chunks"], {"before": events}).fetchall()
        for name in ("drop_household_days", "drop_fleet_hours"):
            dropped += conn.execute(_TIMESCALE[name], {"before": rollups}).fetchall()
        names = [row["name"] for row in dropped]
    else:
        found = conn.execute(_QUERIES["expired_partitions"], {"before": events}).fetchall()
        names = [row["name"] for row in found]
        for name in names:
            _drop(conn, name)
    for query, before in (
        ("expire_household_days", rollups),
        ("expire_fleet_hours", rollups),
        ("expire_placements", events),
        ("expire_rejected", now - timedelta(days=keep.keep_rejected_d)),
        ("expire_attribution_changes", now - timedelta(days=1)),  # see ingest.homes
    ):
        _expire(conn, query, before)
    return names


def _expire(conn: Connection, query: str, before: datetime) -> None:
    rows = {"before": before, "rows": _ROWS_A_STEP}
    while conn.execute(_QUERIES[query], rows).rowcount == _ROWS_A_STEP:
        pass


def _drop(conn: Connection, partition: str) -> None:
    """Drop one partition, with a wait for its lock so short that nobody behind it notices."""
    drop = psycopg.sql.SQL("DROP TABLE {}").format(psycopg.sql.Identifier(partition))
    pause = threading.Event()
    for left in reversed(range(_TRIES)):
        try:
            with translated(), conn.transaction():
                conn.execute(_QUERIES["brief_lock"])
                conn.execute(drop)
        except Contended:
            if not left:
                raise
            pause.wait(_PAUSE_S)
        else:
            return
