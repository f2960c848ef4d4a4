"""Things that stand there, and are taken away."""

from __future__ import annotations

from detectors.blobs import Box
from detectors.objects import MOST, Thing, Things

PARCEL = Thing(Box(100, 80, 30, 30), 7)


def test_a_thing_is_news_once_and_gone_once() -> None:
    things = Things()
    assert things.leave(PARCEL)
    assert not things.leave(Thing(Box(102, 81, 30, 30), 9))  # the same one, by infrared
    assert things.take_away(Box(10, 10, 30, 30)) is None
    assert things.take_away(Box(98, 78, 34, 34)) == PARCEL
    assert things.take_away(PARCEL.box) is None


def test_the_oldest_is_forgotten_first() -> None:
    things = Things()
    for number in range(MOST + 1):
        assert things.leave(Thing(Box(40 * number, 0, 30, 30), number))
    assert len(things.standing) == MOST
    assert things.take_away(Box(0, 0, 30, 30)) is None
