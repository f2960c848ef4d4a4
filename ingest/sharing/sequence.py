"""Messages of a resumed session put back into the order of their devices; pure.

A device's `seq` only ever goes up (docs/protocol.md), so it says in which order it published.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.ports import Message


class _Numbered(msgspec.Struct):
    seq: int


_DECODER: msgspec.json.Decoder[_Numbered | list[_Numbered]] = msgspec.json.Decoder(
    _Numbered | list[_Numbered]
)


def _seq(message: Message) -> int | None:
    """Return the first `seq` of a message; None where there is none to read."""
    try:
        found = _DECODER.decode(message.payload)
    except (msgspec.MsgspecError, RecursionError):  # the lane says what is wrong with it
        return None
    if isinstance(found, list):
        return found[0].seq if found else None
    return found.seq


def by_seq(messages: Sequence[Message]) -> list[Message]:
    """Return the messages with those of each topic by rising `seq`, in the places they had.

    What has no `seq` stays where it is.
    """
    result = list(messages)
    places: dict[str, list[tuple[int, int]]] = {}  # by topic: (seq, place), in order of places
    for place, message in enumerate(messages):
        seq = _seq(message)
        if seq is not None:
            places.setdefault(message.topic, []).append((seq, place))
    for numbered in places.values():
        rising = sorted(numbered)
        for (_, place), (_, source) in zip(numbered, rising, strict=True):
            result[place] = messages[source]
    return result
