"""Detect workers divide the cameras: everything is somebody's, and nothing is two workers'."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DecodeError
from core.topics import PARTITIONS
from core.wire import encode
from core.workers import WorkerBeat, decode_beat
from detectors.division import BEAT_EVERY_S, DEAD_AFTER_S, SETTLE_S, Division, owner

ALL = frozenset(range(PARTITIONS))
STEP_S = 0.25
TAKEOVER_S = DEAD_AFTER_S + BEAT_EVERY_S + 2 * STEP_S


class World:
    """Workers on one broker, time by hand. Giving up takes `LEAVING_S`, as on a real disk."""

    LEAVING_S = 0.5

    def __init__(self) -> None:
        self.now_s = 100.0
        self.workers: dict[str, Division] = {}
        self.frozen: set[str] = set()
        self.cut: set[str] = set()
        self._beaten: dict[str, float] = {}
        self._leaving: list[tuple[float, str, frozenset[int]]] = []

    def join(self, name: str) -> None:
        self.workers[name] = Division(name, self.now_s)
        self._beaten[name] = float("-inf")

    def kill(self, name: str) -> None:
        self.workers.pop(name, None)
        self.frozen.discard(name)
        self.cut.discard(name)
        self._leaving = [one for one in self._leaving if one[1] != name]

    def run(self, seconds: float, check: Callable[[], None] = lambda: None) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            for name in sorted(self.workers):
                if name not in self.frozen:
                    self._look(name)
            check()

    def _look(self, name: str) -> None:
        worker = self.workers[name]
        for entry in [one for one in self._leaving if one[1] == name and one[0] <= self.now_s]:
            worker.left(entry[2])
            self._leaving.remove(entry)
            self._say(name)
        change = worker.look(self.now_s)
        if change.leave:
            self._leaving.append((self.now_s + self.LEAVING_S, name, change.leave))
        if change.take or change.leave or self.now_s - self._beaten[name] >= BEAT_EVERY_S:
            self._say(name)

    def _say(self, name: str) -> None:
        self._beaten[name] = self.now_s
        if name in self.cut:
            return
        beat = self.workers[name].beat()
        for other, worker in self.workers.items():
            if other not in self.cut and other not in self.frozen:
                worker.heard(beat, self.now_s)

    def holders(self, part: int) -> list[str]:
        """Who looks after a partition and can: a cut off or frozen worker hears no frames."""
        away = self.cut | self.frozen
        return [n for n, w in self.workers.items() if part in w.holds and n not in away]

    def check_no_two(self) -> None:
        assert all(len(self.holders(part)) <= 1 for part in ALL)

    def check_all_held(self) -> None:
        assert all(len(self.holders(part)) == 1 for part in ALL)


def test_one_alone_has_everything_after_it_has_listened() -> None:
    world = World()
    world.join("a")
    world.run(SETTLE_S - STEP_S)
    assert world.workers["a"].holds == frozenset()
    world.run(2 * STEP_S)
    assert world.workers["a"].holds == ALL
    assert world.workers["a"].settled(world.now_s)


def test_who_comes_gets_a_fair_part_without_a_moment_of_two() -> None:
    world = World()
    world.join("a")
    world.run(5)
    world.join("b")
    world.run(8, world.check_no_two)
    world.check_all_held()
    assert 20 <= len(world.workers["b"].holds) <= 44
    kept = world.workers["a"].holds
    world.join("c")
    world.run(8, world.check_no_two)
    assert world.workers["a"].holds < kept  # nothing moved that had not to


def test_a_killed_ones_cameras_are_anothers_within_seconds() -> None:
    world = World()
    for name in "abc":
        world.join(name)
    world.run(10)
    world.kill("b")
    world.run(TAKEOVER_S, world.check_no_two)
    world.check_all_held()


def test_one_that_says_good_bye_is_not_waited_for() -> None:
    world = World()
    world.join("a")
    world.join("b")
    world.run(8)
    beat = WorkerBeat("b", [], leaves=True)
    world.kill("b")
    world.workers["a"].heard(beat, world.now_s)
    world.run(2 * STEP_S)
    assert world.workers["a"].holds == ALL


@pytest.mark.parametrize("how", ["frozen", "cut"])
def test_one_that_was_away_has_nothing_when_it_comes_back(how: str) -> None:
    world = World()
    world.join("a")
    world.join("b")
    world.run(8)
    getattr(world, how).add("b")
    world.run(10, world.check_no_two)
    assert world.workers["a"].holds == ALL
    getattr(world, how).discard("b")
    world.run(STEP_S)
    assert world.workers["b"].holds == frozenset()
    world.run(8, world.check_no_two)
    world.check_all_held()
    assert world.workers["b"].holds


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["join", "kill", "freeze", "thaw", "cut", "mend"]),
        st.sampled_from("abcd"),
        st.floats(0.25, 9.0),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(moves=MOVES)
def test_whatever_happens_never_two_and_in_the_end_everything(
    moves: list[tuple[str, str, float]],
) -> None:
    world = World()
    for move, name, then_s in moves:
        here = name in world.workers
        if move == "join" and not here:
            world.join(name)
        elif move == "kill":
            world.kill(name)
        elif move in {"freeze", "cut"} and here:
            (world.frozen if move == "freeze" else world.cut).add(name)
        elif move == "mend" and name in world.cut:
            # a broker that is back is heard at once; who was cut off long has let go by then
            world.cut.discard(name)
        elif move == "thaw" and name in world.frozen:
            world.frozen.discard(name)
            world._look(name)
        world.run(then_s)
    world.frozen.clear()
    world.cut.clear()
    world.run(2 * (TAKEOVER_S + SETTLE_S))
    if world.workers:
        world.check_all_held()


@given(st.lists(st.text("abcdef", min_size=1), min_size=1, max_size=5, unique=True))
def test_all_compute_the_same_owner(names: list[str]) -> None:
    for part in range(0, PARTITIONS, 7):
        assert owner(part, names) == owner(part, reversed(names))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_beat_or_a_decode_error(payload: bytes) -> None:
    try:
        decode_beat(payload)
    except DecodeError as error:
        assert error.reason in {"schema", "size"}


def test_a_beat_is_read_as_it_was_said() -> None:
    beat = WorkerBeat("detect-1", [0, 63])
    assert decode_beat(encode(beat)) == beat
    with pytest.raises(DecodeError):
        decode_beat(b'{"worker":"x","holds":[64]}')
    with pytest.raises(DecodeError, match="size"):
        decode_beat(b" " * 5000)
