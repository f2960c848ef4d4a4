"""Which node of the broker to try next, and when; pure."""

from __future__ import annotations

# A connection that stood for less was no success: two processes with one client id that throw
# each other out must not do so at the speed of the network.
STOOD_S = 5.0
DELAYS_S = (1, 2, 4, 5)  # between rounds over all nodes


class Failover:
    """After a connection that stood, every node is tried at once; after that with a back-off."""

    def __init__(self, nodes: int) -> None:
        self._nodes = nodes
        self._attempts = 1  # since a connection stood last; the first is under way

    def next(self, node: int, *, stood_s: float | None) -> tuple[int, int]:
        """Return the node to try and the seconds to wait before it.

        `node` failed, or was lost after it had stood for `stood_s`.
        """
        if stood_s is not None and stood_s >= STOOD_S:
            self._attempts = 0
        late = self._attempts - self._nodes
        self._attempts += 1
        delay_s = 0 if late < 0 else DELAYS_S[min(late, len(DELAYS_S) - 1)]
        return (node + 1) % self._nodes, delay_s
