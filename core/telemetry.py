"""Logs (structlog, on standard error) and counters (prometheus-client) of one process."""

from __future__ import annotations

import logging
import sys

import structlog
from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter(
    "doorguard_messages_total", "Messages received, by lane and kind", ["lane", "kind"]
)
REJECTS = Counter(
    "doorguard_rejects_total", "Messages or events rejected, by lane and reason", ["lane", "reason"]
)
STORED = Counter("doorguard_events_stored_total", "Event rows committed, by lane", ["lane"])
DUPLICATES = Counter(
    "doorguard_events_duplicate_total", "Events that were already committed", ["lane"]
)
UNKNOWN_FIELDS = Counter("doorguard_unknown_fields_total", "Fields dropped, by lane", ["lane"])
SHED = Counter("doorguard_shed_total", "What a bounded queue dropped, by queue", ["queue"])
QUEUED = Gauge("doorguard_queue_length", "What waits in a bounded queue", ["queue"])
SYNTHETIC_AGE_S = Gauge("doorguard_synthetic_age_seconds", "Since the last synthetic SOS")
SYNTHETIC_OK = Gauge("doorguard_synthetic_ok", "1 when the last synthetic SOS went the whole way")
SYNTHETIC_TOOK_S = Gauge("doorguard_synthetic_seconds", "What it took to the page and the board")
COMMIT_S = Histogram(
    "doorguard_receive_to_commit_seconds",
    "From receipt to commit, by lane",
    ["lane"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def configure_logging(process: str, *, json: bool = False, level: int = logging.INFO) -> None:
    """Send every log line, ours and the libraries', to standard error; bind the process name."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of one module."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return log
