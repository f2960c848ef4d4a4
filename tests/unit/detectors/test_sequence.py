from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.frames import Frame
from detectors.sequence import Sequence, Verdict


def _frame(number: int, at_s: float) -> Frame:
    at_us = 1_000_000_000 + int(at_s * 1e6)
    return Frame(number % 2**32, at_us, infrared=False, motion=False, jpeg=b"")


def _judge(*frames: tuple[int, float]) -> list[str]:
    sequence = Sequence()
    return [sequence.judge(_frame(*frame)).name for frame in frames]


def test_late_doubled_and_reordered_frames_are_late() -> None:
    assert _judge((1, 0), (2, 0.2), (2, 0.2), (4, 0.6), (3, 0.4), (5, 0.8)) == [
        "FIRST", "NEXT", "LATE", "NEXT", "LATE", "NEXT",
    ]  # fmt: skip


def test_a_clock_set_back_or_forward_is_a_jump() -> None:
    assert _judge((1, 0), (2, 0.2), (3, -3600), (4, -3599.8), (5, 4000)) == [
        "FIRST", "NEXT", "JUMP", "NEXT", "JUMP",
    ]  # fmt: skip


def test_a_camera_that_starts_anew_with_an_older_clock_is_heard_again() -> None:
    verdicts = _judge((900, 50), *((n, n * 0.2) for n in range(8)))
    assert verdicts[-2:] == ["NEXT", "NEXT"]
    assert verdicts.count("JUMP") == 1


def test_frame_numbers_wrap_round() -> None:
    assert _judge((2**32 - 1, 0), (2**32, 0.2), (2**32 + 1, -100)) == ["FIRST", "NEXT", "JUMP"]


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(-100, 100)), max_size=60))
def test_time_goes_back_only_with_a_jump(frames: list[tuple[int, float]]) -> None:
    sequence = Sequence()
    for number, at_s in frames:
        before_us = sequence.newest_us
        verdict = sequence.judge(_frame(number, at_s))
        if verdict is Verdict.LATE:
            assert sequence.newest_us == before_us
        elif verdict is Verdict.NEXT:
            assert before_us is not None
            assert sequence.newest_us is not None
            assert 0 < sequence.newest_us - before_us <= 5_000_000
