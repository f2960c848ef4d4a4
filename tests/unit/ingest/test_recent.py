"""What a writer remembers never makes it skip something that is not stored."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import Source
from core.wire import EventMessage
from ingest.intake import Reported
from ingest.recent import Recent
from tests.conftest import NOON


def reported(seq: int, device: str = "door-cam-1", later_s: int = 0) -> Reported:
    at = NOON + timedelta(seconds=later_s)
    message = EventMessage(seq, "door.opened", at, msgspec.Raw(b"{}"))
    return Reported(device, Source.DEVICE, message, "topic", ack=False)


_events = st.builds(reported, st.integers(0, 9), st.sampled_from(["a-1", "b-1"]), st.integers(0, 1))


@given(st.lists(st.lists(_events, max_size=5), max_size=20), st.integers(1, 6))
def test_only_what_was_noted_is_held(batches: list[list[Reported]], remembered: int) -> None:
    recent = Recent(remembered)
    noted = set()
    for batch in batches:
        rest, hopes = recent.look(batch)
        assert len(rest) == len(hopes)
        left_out = {one.key for one in batch} - {one.key for one in rest}
        assert left_out <= noted, "what is left out was stored"
        seen = set(noted)
        for one, new in zip(rest, hopes, strict=True):
            if new and remembered > 1:  # with room for both devices
                assert one.key not in seen, "a repetition is never surely new"
            seen.add(one.key)
        recent.note(batch)
        noted |= {one.key for one in batch}
        assert all(map(recent.holds, batch)) or has_reused_seq(batch)
        assert len(recent) <= max(remembered, 5), "a batch more at most"


def has_reused_seq(batch: list[Reported]) -> bool:
    """A `seq` told with two times: the last one is remembered."""
    return len({one.key for one in batch}) > len({one.key[:3] for one in batch})


def test_a_seq_that_goes_up_is_surely_new() -> None:
    recent = Recent()
    recent.note([reported(5)])
    batch = [reported(6), reported(4), reported(7), reported(7), reported(1, "other-1")]
    rest, hopes = recent.look(batch)
    assert rest == batch
    assert hopes == [True, False, True, False, True]


def test_a_redelivery_is_left_out_and_a_seq_with_another_time_is_not() -> None:
    recent = Recent()
    recent.note([reported(5), reported(6)])
    rest, hopes = recent.look([reported(5), reported(6, later_s=1), reported(7)])
    assert [(one.message.seq, hope) for one, hope in zip(rest, hopes, strict=True)] == [
        (6, False),
        (7, True),
    ]


def test_the_oldest_batches_are_forgotten_whether_looked_through_or_not() -> None:
    recent = Recent(remembered=4)
    for seq in range(0, 20, 2):
        recent.note([reported(seq), reported(seq + 1)])
        if seq % 6 == 0:
            assert recent.holds(reported(seq))
    assert [seq for seq in range(20) if recent.holds(reported(seq))] == [16, 17, 18, 19]
