"""What a device can be told to do: the commands of the protocol, and what comes of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from core.errors import PermanentError

_Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=300.0)]
_Call = Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
_Sdp = Annotated[str, msgspec.Meta(max_length=32_768)]
MAX_LIVE_S = 60.0
MAX_RATE_FPS = 15.0


class Outcome(StrEnum):
    """What became of a command."""

    DONE = "done"
    REFUSED = "refused"  # the device said no, and why
    BUSY = "busy"  # it is doing something that excludes this: another talk
    SILENT = "silent"  # no reply before the command expired: it was not and will not be carried out
    AWAY = "away"  # the same, and the device has been known to be off the network


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a command; `data` is what the device replied, `reason` why it did not do it."""

    command_id: str
    outcome: Outcome
    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


class _Empty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _For(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    for_s: _Seconds = 60.0


class _Announce(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]{1,40}$")] = "warning"


class _Live(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rate_fps: Annotated[float, msgspec.Meta(ge=1.0, le=MAX_RATE_FPS)] = 10.0
    for_s: Annotated[float, msgspec.Meta(gt=0.0, le=MAX_LIVE_S)] = MAX_LIVE_S


class _Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    call: _Call
    sdp: _Sdp | None = None  # none: the device makes the offer, in its reply
    ice_servers: list[dict[str, Any]] = []


class _TalkAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    call: _Call
    sdp: _Sdp


class _Candidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    call: _Call
    candidate: Annotated[str, msgspec.Meta(max_length=2048)]
    sdp_mid: str | None = None
    sdp_mline_index: int | None = None


class _End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    call: _Call


class _Update(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    url: Annotated[str, msgspec.Meta(pattern="^https://", max_length=1000)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    signature: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


@dataclass(frozen=True, slots=True)
class CommandType:
    """One command: what its `data` holds, and how long a device may take to reply.

    It expires at the same moment, so that what was not answered is not carried out later either.
    """

    name: str
    data: type[msgspec.Struct] = _Empty
    within_s: float = 5.0


_ROWS = (
    CommandType("siren.on", _For),
    CommandType("siren.off"),
    CommandType("light.on", _For),
    CommandType("light.off"),
    CommandType("announce", _Announce),
    CommandType("snapshot"),
    CommandType("live.start", _Live),
    CommandType("live.stop"),
    CommandType("talk.offer", _Offer, within_s=8.0),  # a camera may have to wake its codec
    CommandType("talk.answer", _TalkAnswer),
    CommandType("talk.candidate", _Candidate),
    CommandType("talk.end", _End),
    CommandType("reboot"),
    CommandType("identify"),
    CommandType("update", _Update, within_s=10.0),
)
COMMANDS: dict[str, CommandType] = {row.name: row for row in _ROWS}


def checked(type: str, data: Mapping[str, Any]) -> tuple[CommandType, dict[str, Any]]:  # noqa: A002
    """Return the command and its `data`, complete with defaults.

    Raises `PermanentError` naming the field that is wrong, or a command that is not there.
    """
    row = COMMANDS.get(type)
    if row is None:
        raise PermanentError(f"unknown command {type[:60]!r}; there is {', '.join(COMMANDS)}")
    try:
        given = msgspec.convert(dict(data), row.data)
    except msgspec.ValidationError as error:
        raise PermanentError(f"{type}: {error}") from None
    return row, msgspec.to_builtins(given)
