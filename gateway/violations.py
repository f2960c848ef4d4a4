"""What the embedded broker refused by itself, read from its log.

A device that writes below another's root, or sends more than a frame may have, never reaches a
lane; the broker's log line is the only trace, and it must be counted like any other rejection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import DecodeError
from core.topics import DEVICE_ID, parse

_VIOLATION = re.compile(
    r'- "(?P<user>[^"]+)" - (?P<what>Publish|Subscription) Violation - '
    r'Subject "(?P<subject>[^"]+)"'
)
_TOO_BIG = re.compile(r'- "(?P<user>[^"]+)" - maximum payload exceeded: (?P<size>\d+)')
_AUTH = re.compile(r'authentication error - User "(?P<user>[^"]*)"')


@dataclass(frozen=True, slots=True)
class Violation:
    """A refusal by the broker: who, on which topic, and why."""

    reason: str
    device_id: str | None
    topic: str
    detail: str
    size_bytes: int = 0


def read_line(line: str) -> Violation | None:
    """Return the violation that a log line tells of, or None."""
    if found := _VIOLATION.search(line):
        topic = found["subject"].replace(".", "/")
        reason = "foreign_topic" if found["what"] == "Publish" else "foreign_subscription"
        try:
            parsed = parse(topic)
            detail = f"{found['user']} on a topic of {parsed.device}"
        except DecodeError:
            detail = f"{found['user']} on {topic}"
        return Violation(reason, _device(found["user"]), topic, detail)
    if found := _TOO_BIG.search(line):
        size = int(found["size"])
        return Violation(
            "size", _device(found["user"]), "", f"{size} bytes; the broker hung up", size
        )
    if found := _AUTH.search(line):
        return Violation("credentials", _device(found["user"]), "", "wrong user or password")
    return None


def _device(user: str) -> str | None:
    return user if DEVICE_ID.fullmatch(user) else None
