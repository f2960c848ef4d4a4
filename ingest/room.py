"""How much a lane may hold: messages and bytes, so that an outage leaves memory flat."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from core.ports import Message

# A broker's window (4,096 a subscription with ours) fits several times; a flood of the largest
# messages allowed does not.
MAX_MESSAGES = 16_384
MAX_BYTES = 32 * 1024 * 1024


class Room:
    """Counts what is held. Safe from several threads."""

    def __init__(self, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._messages = 0
        self._bytes = 0

    @property
    def held(self) -> int:
        return self._messages

    @property
    def half_free(self) -> int:
        """How many messages fit before half of the room is taken; 0 when half of the bytes are."""
        with self._lock:
            if self._bytes > self._max_bytes // 2:
                return 0
            return max(0, self._max_messages // 2 - self._messages)

    def enter(self, messages: Sequence[Message]) -> bool:
        """Count these in; False, and nothing counted, when there is no room."""
        size_bytes = sum(len(message.payload) for message in messages)
        with self._lock:
            if (
                self._messages + len(messages) > self._max_messages
                or self._bytes + size_bytes > self._max_bytes
            ):
                return False
            self._messages += len(messages)
            self._bytes += size_bytes
            return True

    def leave(self, messages: Sequence[Message]) -> bool:
        """Count these out; return whether half of the room is free again."""
        size_bytes = sum(len(message.payload) for message in messages)
        with self._lock:
            self._messages -= len(messages)
            self._bytes -= size_bytes
            return self._messages <= self._max_messages // 2 and self._bytes <= self._max_bytes // 2
