from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from core import wire
from core.catalogue import CATALOGUE, Source
from core.errors import ConfigurationError
from core.topics import Kind
from simulators import outbox_file
from simulators.outbox import ALARM_TYPES, SCHEDULES, Outbox, payloads

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_alarm_types_are_the_catalogues():
    assert {
        row.name for row in CATALOGUE.values() if row.alarm and row.source is Source.DEVICE
    } == (ALARM_TYPES)


def test_an_alarm_is_sent_again_every_two_seconds_then_ever_more_slowly():
    outbox = Outbox()
    entry = outbox.add("sos.pressed", None, now=NOON, monotonic_s=0.0)
    tried_at_s = [tenth / 10 for tenth in range(1300) if outbox.due(tenth / 10) == [entry]]
    assert tried_at_s == [0.0, 2.0, 4.0, 6.0, 10.0, 18.0, 34.0, 64.0, 94.0, 124.0]


def test_an_event_is_sent_again_every_ten_seconds_at_most_two_minutes_apart():
    schedule = SCHEDULES[Kind.EVENT]
    waits_s = [schedule.wait_s(n) for n in range(1, 9)]
    assert waits_s == [10.0, 10.0, 10.0, 20.0, 40.0, 80.0, 120.0, 120.0]
    assert schedule.wait_s(10_000) == 120.0


def test_alarms_go_before_events_and_a_retry_is_the_same_bytes():
    outbox = Outbox()
    opened = outbox.add("door.opened", {"user": "kim"}, now=NOON, monotonic_s=0.0)
    sos = outbox.add("sos.pressed", None, now=NOON, monotonic_s=0.0)
    first = outbox.due(0.0)
    assert first == [sos, opened]
    assert payloads(outbox.due(20.0)) == payloads(first)
    decoded = wire.decode_events(payloads(first)[1][1])
    assert decoded.events[0].ack
    assert decoded.events[0].seq == opened.seq
    assert decoded.events[0].at == NOON


def test_a_refused_event_is_dropped_and_recorded():
    outbox = Outbox()
    entry = outbox.add("door.opened", None, now=NOON, monotonic_s=0.0)
    settled = outbox.acknowledge(wire.Ack(rejected=[wire.Rejected(entry.seq, "schema")]))
    assert settled.rejected == (entry.seq,)
    assert outbox.rejected == {entry.seq: "schema"}
    assert outbox.next_due_s() is None


def test_many_events_are_packed_within_the_limits_and_alarms_stand_alone():
    outbox = Outbox()
    for _ in range(150):
        outbox.add("motion.sensed", {"note": "x" * 1000}, now=NOON, monotonic_s=0.0)
    outbox.add("sos.pressed", None, now=NOON, monotonic_s=0.0)
    messages = payloads(outbox.due(0.0))
    assert [kind for kind, _ in messages].count(Kind.ALARM) == 1
    decoded = [wire.decode_events(payload) for _, payload in messages]
    assert not any(d.errors for d in decoded)
    assert sum(len(d.events) for d in decoded) == 151


def test_a_damaged_file_is_an_error_and_not_an_empty_outbox(tmp_path):
    path = tmp_path / "outbox.json"
    assert len(outbox_file.load(path)) == 0
    path.write_bytes(b'{"last_seq": 3, "owed": [{"seq": 1}]}')
    with pytest.raises(ConfigurationError, match=r"outbox\.json"):
        outbox_file.load(path)


class OutboxLife(RuleBasedStateMachine):
    """No order of acks, retries, reconnects, power cuts and clock steps loses an event, gives a
    number twice, or changes what an event says.
    """

    added = Bundle("added")

    def __init__(self):
        super().__init__()
        self.outbox = Outbox()
        self.now = NOON
        self.monotonic_s = 0.0
        self.owed = {}
        self.last_seq = -1

    @rule(target=added, type=st.sampled_from(["sos.pressed", "door.opened"]), n=st.integers(0, 9))
    def happen(self, type, n):  # noqa: A002
        entry = self.outbox.add(type, {"n": n}, now=self.now, monotonic_s=self.monotonic_s)
        assert entry.seq > self.last_seq
        self.last_seq = entry.seq
        self.owed[entry.seq] = entry.encode()
        return entry.seq

    @rule()
    def beat(self):
        seq = self.outbox.next_seq(self.now)
        assert seq > self.last_seq
        self.last_seq = seq

    @rule(seqs=st.lists(added, max_size=4), refused=st.lists(added, max_size=2))
    def acknowledged(self, seqs, refused):
        ack = wire.Ack(stored=[*seqs, 5], rejected=[wire.Rejected(seq, "type") for seq in refused])
        settled = self.outbox.acknowledge(ack)
        gone = [self.owed.pop(seq) for seq in dict.fromkeys(seqs + refused) if seq in self.owed]
        assert len(settled.stored) + len(settled.rejected) == len(gone)

    @rule(step_s=st.floats(0.0, 200.0))
    def time_passes(self, step_s):
        self.monotonic_s += step_s
        self.now += timedelta(seconds=step_s)

    @rule(step_s=st.integers(-(10**8), 10**6))
    def clock_steps(self, step_s):
        self.now = max(datetime(2001, 1, 1, tzinfo=UTC), self.now + timedelta(seconds=step_s))

    @rule()
    def reconnected(self):
        self.outbox.reconnected(self.monotonic_s)
        assert {entry.seq for entry in self.outbox.due(self.monotonic_s)} == set(self.owed)

    @rule()
    def power_cut(self):
        self.outbox = Outbox.restore(self.outbox.dump())
        self.monotonic_s = 0.0

    @rule()
    def due(self):
        for entry in self.outbox.due(self.monotonic_s):
            assert entry.encode() == self.owed[entry.seq]

    @invariant()
    def owes_exactly_what_is_not_settled(self):
        assert {e.seq: e.encode() for e in self.outbox.owed} == self.owed

    @invariant()
    def everything_owed_is_tried_within_its_cap(self):
        later_s = self.monotonic_s + 120.0
        next_due_s = self.outbox.next_due_s()
        assert (next_due_s is None) == (not self.owed)
        assert next_due_s is None or next_due_s <= later_s


TestOutboxLife = OutboxLife.TestCase
