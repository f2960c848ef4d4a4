"""The error tree: every error of ours is temporary, permanent, or a bug.

    DoorGuardError
    ├── TemporaryError          try again after `delay_s`; nothing was lost
    │   ├── DatabaseAway
    │   │   └── Contended       somebody holds the row; others need not wait for it
    │   └── BrokerAway
    └── PermanentError          trying the same thing again gives the same answer
        ├── DecodeError         bytes that are not a message; `.reason` is a fixed name
        ├── IllegalMove         the incident's table of moves has no such move
        ├── NotFound
        ├── Refused             the caller may not do this
        ├── Conflict            somebody else was first
        └── ConfigurationError  the operator must change a setting

Anything that is not a `DoorGuardError` is a bug: it is logged with its trace, the process
ends, and the supervisor starts it again.
"""

from __future__ import annotations


class DoorGuardError(Exception):
    """Root of the tree; never raised itself."""


class TemporaryError(DoorGuardError):
    """The same call may succeed after `delay_s` seconds."""

    def __init__(self, message: str, *, delay_s: float = 1.0) -> None:
        super().__init__(message)
        self.delay_s = delay_s


class DatabaseAway(TemporaryError):  # noqa: N818 - reads as what happened
    """The database refused, dropped or timed out a connection."""


class Contended(DatabaseAway):
    """A lock did not come free in time, or two transactions met crosswise; ours was rolled back."""


class BrokerAway(TemporaryError):  # noqa: N818
    """The broker refused or dropped the session."""


class PermanentError(DoorGuardError):
    """Repeating the call cannot help.

    `code` names the reason for good, like "incident.over": the screens say it in the reader's
    language by it (`refusal.` of their catalogues), filled with `given`. The message is English,
    for logs and programs. Empty: nobody hears of it at a screen.
    """

    def __init__(self, message: str = "", code: str = "", **given: str | int) -> None:
        super().__init__(message)
        self.code = code
        self.given = given


class DecodeError(PermanentError):
    """Bytes that break a rule of the protocol.

    `reason` is a short name fit for a counter label, `detail` is for people, `seq` is the
    event's sequence number where one could be read, so that the device can be answered.
    """

    def __init__(self, reason: str, detail: str = "", *, seq: int | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.seq = seq


class IllegalMove(PermanentError):  # noqa: N818
    """A move that the table of `alerts.lifecycle` does not hold; the state is unchanged."""


class NotFound(PermanentError):  # noqa: N818
    """No such thing, or none that the caller may know of."""


class Refused(PermanentError):  # noqa: N818
    """The caller is known and may not do this."""


class Conflict(PermanentError):  # noqa: N818
    """Somebody else was first; the message says who and what stands now."""


class ConfigurationError(PermanentError):
    """A setting is missing or contradicts another; the message says which and what to do."""
