"""A lane's room: bounded in messages and bytes, and told when there is space again."""

from __future__ import annotations

from core.ports import Message
from ingest.room import Room


def messages(n: int, size: int = 10) -> list[Message]:
    return [Message("t", b"x" * size, i) for i in range(n)]


def test_messages_are_bounded() -> None:
    room = Room(max_messages=10, max_bytes=1000)
    assert room.enter(messages(10))
    assert not room.enter(messages(1))
    assert room.held == 10, "what was turned away is not counted"


def test_bytes_are_bounded() -> None:
    room = Room(max_messages=10, max_bytes=100)
    assert not room.enter(messages(1, 101))
    assert room.enter(messages(1, 100))
    assert not room.enter(messages(1, 1))


def test_half_of_it_free_is_room_again() -> None:
    room = Room(max_messages=10, max_bytes=1000)
    room.enter(messages(10))
    assert not room.leave(messages(4))
    assert room.leave(messages(1))
    assert room.held == 5
