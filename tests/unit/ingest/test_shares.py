"""Shares: every partition once, fair numbers, nothing moved for tidiness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.markers import MARKED, topics_of
from core.topics import PARTITIONS, Kind, parse
from ingest.sharing.layout import (
    DIVIDED,
    MERGE_AFTER_S,
    WHOLE,
    Share,
    fair,
    fitting,
    shares_of,
)

workers = st.sets(st.integers(1, 10_000), min_size=1, max_size=20)


@pytest.mark.parametrize("layout", [WHOLE, DIVIDED])
def test_a_layout_holds_every_partition_once(layout: int) -> None:
    parts = [part for share in shares_of(layout) for part in share.partitions]
    assert sorted(parts) == list(range(PARTITIONS))
    assert len({share.session for share in shares_of(layout)}) == layout + 1
    assert [Share.of_key(share.key) for share in shares_of(layout)] == shares_of(layout)


def test_one_worker_alone_subscribes_by_wildcard() -> None:
    events, aside = shares_of(WHOLE)
    assert events.heard() == [("dg/v1/+/+/event", 1)]
    assert events.passes() is None
    assert aside.heard() == [
        ("dg/v1/+/+/finding", 1),
        ("dg/svc/+/report", 1),
        ("dg/v1/+/+/status", 0),
        ("dg/v1/+/+/reply", 0),
    ]


@pytest.mark.parametrize("part", range(PARTITIONS))
def test_an_event_is_passed_on_by_exactly_one_share(part: int) -> None:
    topic = f"dg/v1/{part:02x}/door-cam-1/event"
    passing = [share for share in shares_of(DIVIDED)[:-1] if (share.passes() or bool)(topic)]
    assert [part in share.partitions for share in passing] == [True]


def test_what_is_no_partitions_is_passed_on_by_one_to_be_refused() -> None:
    passing = [share.passes() for share in shares_of(DIVIDED)[:-1]]
    assert [(one or bool)("dg/v1/zz/x/event") for one in passing] == [
        True,
        *[False] * (DIVIDED - 1),
    ]


@pytest.mark.parametrize("layout", [WHOLE, DIVIDED])
def test_no_session_of_events_has_a_second_filter_at_qos_1(layout: int) -> None:
    """NATS puts off, out of order, what is past a session's bound; one filter cannot pass it."""
    for share in shares_of(layout)[:-1]:
        assert [qos for _, qos in share.heard()].count(1) == 1


def test_a_marker_stands_in_its_devices_partition() -> None:
    assert {int(topic.split("/")[2], 16) for topic in MARKED} == set(range(PARTITIONS))
    for topic in MARKED:
        parse(topic)  # raises when the device is of another partition
    assert topics_of([5], Kind.EVENT) == [
        topic for topic in MARKED if "/05/" in topic and topic.endswith("/event")
    ]
    for share in shares_of(DIVIDED):
        (marker,) = share.markers
        assert marker in MARKED
        assert (share.passes() or bool)(marker), "it comes through its own session"


@pytest.mark.parametrize(
    ("now", "alive", "alone_for_s", "then"),
    [
        (WHOLE, 1, 0.0, WHOLE),
        (WHOLE, 2, 0.0, DIVIDED),
        (DIVIDED, 1, MERGE_AFTER_S - 1, DIVIDED),
        (DIVIDED, 1, MERGE_AFTER_S, WHOLE),
        (DIVIDED, 2, 1e6, DIVIDED),
    ],
)
def test_two_divide_and_one_merges_after_a_while(
    now: int, alive: int, alone_for_s: float, then: int
) -> None:
    assert fitting(now, workers=alive, alone_for_s=alone_for_s) == then


@st.composite
def situations(draw: st.DrawFn) -> tuple[int, set[int], dict[Share, int]]:
    layout = draw(st.sampled_from([WHOLE, DIVIDED]))
    alive = draw(workers)
    gone = draw(workers)
    holders = st.sampled_from(sorted(alive | gone))
    held = draw(st.dictionaries(st.sampled_from(shares_of(layout)), holders))
    return layout, alive, held


@given(situations())
def test_everybody_gets_floor_or_ceil_and_no_more_moves_than_must(
    situation: tuple[int, set[int], dict[Share, int]],
) -> None:
    layout, alive, held = situation
    target = fair(layout, alive, held)
    assert sorted(target) == shares_of(layout)
    assert target.pop(Share(layout, layout)) == target[Share(layout, 0)]
    held = {share: who for share, who in held.items() if not share.aside}
    floor, more = divmod(layout, len(alive))
    has = {worker: sum(1 for who in target.values() if who == worker) for worker in alive}
    assert sorted(has.values()) == [floor] * (len(alive) - more) + [floor + 1] * more
    had = {worker: sum(1 for who in held.values() if who == worker) for worker in alive}
    kept = sum(1 for share, who in held.items() if target[share] == who)
    by_holding = sorted(had.values(), reverse=True)
    most = sum(min(n, floor + (rank < more)) for rank, n in enumerate(by_holding))
    assert kept == most, "nothing moves that could have stayed"
    again = fair(layout, alive, target)
    assert {share: again[share] for share in target} == target, "and then it rests"


@given(
    st.lists(st.tuples(st.sampled_from(["join", "leave"]), st.integers(0, 9)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_workers_that_act_one_by_one_converge(
    changes: list[tuple[str, int]], random: object
) -> None:
    """Each sees the same locks, gives up its surplus, claims what is free; never two owners."""
    alive = {100}
    held: dict[Share, int] = {}
    for what, who in changes:
        if what == "join":
            alive.add(who)
        elif len(alive) > 1:
            alive.discard(who)
            held = {share: worker for share, worker in held.items() if worker != who}
        for _ in range(3):  # ticks
            order = sorted(alive)
            random.shuffle(order)  # type: ignore[attr-defined]
            for me in order:
                target = fair(DIVIDED, alive, held)
                for share in [s for s, worker in held.items() if worker == me]:
                    if target[share] != me:
                        del held[share]
                for share, worker in target.items():
                    if worker == me and share not in held:
                        held[share] = me
        assert sorted(held) == shares_of(DIVIDED)
        events = [worker for share, worker in held.items() if not share.aside]
        counts = [events.count(one) for one in alive]
        assert max(counts) - min(counts) <= 1


def test_without_workers_nobody_holds_anything() -> None:
    assert fair(DIVIDED, [], {}) == {}
