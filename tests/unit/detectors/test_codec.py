"""Any state of the stages as bytes and back; nothing else is ever made of bytes."""

from __future__ import annotations

import sys
import threading
from collections import deque
from datetime import time

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DecodeError
from detectors import codec
from detectors.blobs import Box
from detectors.dwell import State, Visit
from detectors.sequence import Sequence, Verdict
from detectors.tracks import Track, Tracks


def test_what_stages_hold_comes_back_as_it_was() -> None:
    track = Track(3, Box(1.5, 2.0, 3.0, 4.0), 9.25, 17, Visit(5, State.LOITERING, case="5-3"))
    tracks = Tracks()
    tracks.all.append(track)
    held = {
        "tracks": tracks,
        "plane": np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2],
        "empty": np.zeros((0, 4), np.uint8),
        "number": np.float32(0.1),
        "ring": deque([(1, np.zeros((2, 2), bool))], maxlen=5),
        "verdict": Verdict.JUMP,
        "from": time(22, 30),
        True: {None: (1, [2, {3}], frozenset({4}))},
    }
    back = codec.decode(codec.encode(held))
    assert back["tracks"].all == [track]
    np.testing.assert_array_equal(back["plane"], held["plane"])
    assert back["plane"].flags.writeable
    assert back["empty"].shape == (0, 4)
    assert (back["number"], type(back["number"])) == (np.float32(0.1), np.float32)
    assert back["ring"].maxlen == 5
    assert back["verdict"] is Verdict.JUMP
    assert (back["from"], back[True]) == (time(22, 30), {None: (1, [2, {3}], frozenset({4}))})


@pytest.mark.parametrize("held", [threading.Lock(), np.zeros(1, complex), lambda: 1, object()])
def test_what_cannot_be_carried_is_an_error(held: object) -> None:
    with pytest.raises(codec.UnknownStateError):
        codec.encode({"part": [held]})


def test_an_attribute_that_init_does_not_name_is_an_error() -> None:
    sequence = Sequence()
    sequence.late_addition = 1  # type: ignore[attr-defined]
    with pytest.raises(codec.UnknownStateError, match="late_addition"):
        codec.encode(sequence)


def _stored(tree: object, buffers: list[bytes] | None = None) -> bytes:
    return msgspec.msgpack.encode([tree, buffers or []])


@pytest.mark.parametrize(
    "tree",
    [
        ["o", "blobs.Box", {"x": 1.0, "y": 1.0, "w": 1.0}],
        ["o", "blobs.Box", {"x": 1.0, "y": 1.0, "w": 1.0, "h": 1.0, "z": 1.0}],
        ["o", "os.system", {}],
        ["o", "worker.threading.Thread", {}],
        ["o", "codec.Callable", {}],
        ["o", "subprocess.Popen", {}],
        ["e", "dwell.State", "ASLEEP"],
        ["e", "blobs.Box", "x"],
        ["a", "float32", [1 << 40, 1 << 40], 0],
        ["a", "object", [1], 0],
        ["a", "float32", [2], 0],
        ["a", "float32", [1], 9],
        ["?", 1],
        [],
        ["m", "25:00"],
    ],
)
def test_a_strangers_tree_is_refused(tree: object) -> None:
    with pytest.raises(DecodeError):
        codec.decode(_stored(tree, [b"1234"]))


def test_nothing_is_imported_for_a_name() -> None:
    with pytest.raises(DecodeError):
        codec.decode(_stored(["o", "antigravity.x", {}]))
    assert "detectors.antigravity" not in sys.modules


@given(st.binary(max_size=300))
def test_any_bytes_give_a_state_or_a_decode_error(stored: bytes) -> None:
    try:
        codec.decode(stored)
    except DecodeError as error:
        assert error.reason == "state"


def test_depth_is_bounded() -> None:
    with pytest.raises(DecodeError):
        codec.decode(b"\x92" + b"\x92\xa1l\x91" * 100_000 + b"\xc0\x90")
