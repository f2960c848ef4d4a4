"""Which node is tried when."""

from __future__ import annotations

import pytest

from gateway.failover import DELAYS_S, STOOD_S, Failover


def story(nodes: int, lost_after_s: list[float | None]) -> list[tuple[int, int]]:
    """Return the (node, delay) after each end of a connection; None for one not made."""
    failover = Failover(nodes)
    node = 0
    tried = []
    for stood_s in lost_after_s:
        node, delay_s = failover.next(node, stood_s=stood_s)
        tried.append((node, delay_s))
    return tried


def test_each_node_is_tried_once_before_any_wait() -> None:
    assert story(3, [None] * 8) == [
        (1, 0), (2, 0), (0, 1), (1, 2), (2, 4), (0, 5), (1, 5), (2, 5),
    ]  # fmt: skip


def test_after_a_connection_that_stood_all_are_tried_at_once() -> None:
    assert story(2, [None, None, STOOD_S, None, None]) == [(1, 0), (0, 1), (1, 0), (0, 0), (1, 1)]
    assert story(1, [None, STOOD_S, None]) == [(0, 1), (0, 0), (0, 1)]


@pytest.mark.parametrize("nodes", [1, 3])
def test_one_that_breaks_at_once_each_time_is_not_hammered(nodes: int) -> None:
    assert [delay for _, delay in story(nodes, [0.0] * 10)][-1] == DELAYS_S[-1]
