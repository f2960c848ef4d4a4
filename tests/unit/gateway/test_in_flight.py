"""Tokens against a model broker: a stranger is never confirmed, everything is in the end."""

from __future__ import annotations

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from core.ports import Message
from gateway.in_flight import InFlight
from gateway.packets import DUP, QOS_1, Publish

CROSSING_S = 45.0
IDS = (1, 2)  # few, so that they are reused at once


def delivery(packet_id: int, body: bytes = b"", *, dup: bool = False) -> Publish:
    return (0x30 | QOS_1 | DUP * dup, "t", packet_id, body)


def test_a_copy_of_what_we_hold_is_dropped_and_a_new_message_voids_the_old_token() -> None:
    table = InFlight(CROSSING_S)
    (first,) = table.admit([delivery(1)], 0.0)
    assert table.admit([delivery(1, dup=True)], 0.0) == []
    (second,) = table.admit([delivery(1)], 0.0)
    assert table.settle([first], 0.0) == []
    assert table.settle([second, second], 0.0) == [1]


def test_a_copy_that_crossed_our_acknowledgement_has_no_token() -> None:
    table = InFlight(CROSSING_S)
    table.settle(table.admit([delivery(1)], 100.0), 100.0)
    (crossed,) = table.admit([delivery(1, dup=True)], 144.9)
    assert crossed.token is None
    (owed,) = table.admit([delivery(1, dup=True)], 145.1)
    assert table.settle([owed], 145.1) == [1]


def test_what_was_shed_is_taken_again_and_owed_until_the_connection_ends() -> None:
    table = InFlight(CROSSING_S)
    (first,) = table.admit([delivery(1)], 0.0)
    assert not table.owed
    table.shed([first, Message("t", b"", None)])
    assert table.owed
    assert table.settle([first], 0.0) == []
    (again,) = table.admit([delivery(1, dup=True)], 0.0)
    table.shed([first])  # a token that is no longer good gives up nothing
    assert table.settle([again], 0.0) == [1]
    table.clear()
    assert not table.owed


def test_tokens_end_with_their_connection() -> None:
    table = InFlight(CROSSING_S)
    (old,) = table.admit([delivery(1)], 0.0)
    table.clear()
    (new,) = table.admit([delivery(1, dup=True)], 0.0)
    assert table.settle([old], 0.0) == []
    assert table.settle([new], 0.0) == [1]


def test_qos_0_has_no_token_and_retained_is_told() -> None:
    table = InFlight(CROSSING_S)
    plain, retained = table.admit([(0x30, "t", 0, b""), (0x31, "t", 0, b"")], 0.0)
    assert (plain.token, plain.retained) == (None, False)
    assert (retained.token, retained.retained) == (None, True)


class ModelBroker(RuleBasedStateMachine):
    """A broker that sends again when it likes and reuses ids at once, behind a pipe each way."""

    def __init__(self) -> None:
        super().__init__()
        self.table = InFlight(CROSSING_S)
        self.now_s = 0.0
        self.made = 0
        self.unsent: deque[bytes] = deque()
        self.sent_before: set[bytes] = set()
        self.owed: dict[int, bytes] = {}
        self.confirmed: set[bytes] = set()
        self.down: deque[Publish] = deque()
        self.up: deque[int] = deque()
        self.held: list[Message] = []
        self.stored: set[bytes] = set()

    @rule()
    def a_device_publishes(self) -> None:
        self.made += 1
        self.unsent.append(b"%d" % self.made)

    @precondition(lambda self: self.unsent and len(self.owed) < len(IDS))
    @rule(last=st.booleans(), dup=st.booleans())
    def send(self, *, last: bool, dup: bool) -> None:
        """`dup`: also a message new to this connection may be one sent before, elsewhere."""
        free = [one for one in IDS if one not in self.owed]
        packet_id = free[-1 if last else 0]
        body = self.unsent.popleft()
        self.owed[packet_id] = body
        self.down.append(delivery(packet_id, body, dup=dup or body in self.sent_before))
        self.sent_before.add(body)

    @precondition(lambda self: self.owed)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        packet_id = data.draw(st.sampled_from(sorted(self.owed)))
        self.down.append(delivery(packet_id, self.owed[packet_id], dup=True))

    @precondition(lambda self: self.down)
    @rule(n=st.integers(1, 4))
    def receive(self, n: int) -> None:
        taken = [self.down.popleft() for _ in range(min(n, len(self.down)))]
        self.held += self.table.admit(taken, self.now_s)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), keep=st.booleans())
    def store(self, data: st.DataObject, *, keep: bool) -> None:
        """`keep`: it will be acknowledged once more."""
        some = data.draw(st.lists(st.sampled_from(range(len(self.held))), min_size=1, unique=True))
        taken = [self.held[n] for n in some]
        self.stored.update(bytes(message.payload) for message in taken)
        self.up.extend(self.table.settle(taken, self.now_s))
        if not keep:
            self.held = [one for n, one in enumerate(self.held) if n not in some]

    @precondition(lambda self: self.held)
    @rule()
    def shed(self) -> None:
        self.table.shed([self.held.pop()])

    @precondition(lambda self: self.up)
    @rule()
    def confirm(self) -> None:
        body = self.owed.pop(self.up.popleft(), None)
        if body is not None:
            assert body in self.stored, "a stranger was confirmed"
            self.confirmed.add(body)

    @rule(dice=st.integers(1, 6))
    def break_off(self, dice: int) -> None:
        if dice < 6:  # seldom: what matters takes several steps on one connection
            return
        self.down.clear()
        self.up.clear()
        self.table.clear()
        self.unsent.extendleft(reversed(self.owed.values()))
        self.owed.clear()

    @rule(dice=st.integers(1, 6))
    def time_passes(self, dice: int = 6) -> None:
        """Longer than anything is under way; seldom."""
        if dice < 6:
            return
        while self.down:
            self.receive(4)
        while self.up:
            self.confirm()
        self.now_s += CROSSING_S + 1

    def teardown(self) -> None:
        for _ in range(3 * self.made + 3):
            self.time_passes()
            for packet_id, body in self.owed.items():
                self.down.append(delivery(packet_id, body, dup=True))
            while self.unsent and len(self.owed) < len(IDS):
                self.send(last=False, dup=False)
            self.time_passes()
            self.stored.update(bytes(message.payload) for message in self.held)
            self.up.extend(self.table.settle(self.held, self.now_s))
            self.held.clear()
        self.time_passes()
        assert len(self.confirmed) == self.made, "a message is never confirmed"


TestModelBroker = ModelBroker.TestCase
TestModelBroker.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
