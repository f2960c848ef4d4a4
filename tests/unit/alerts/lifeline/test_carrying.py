"""The lifeline's decisions: pure, and the same again from the journal's records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifeline.carrying import Carrying
from alerts.lifeline.records import Alarm, Paged, Raised, Record, Settled, Stepped, Tried
from alerts.lifeline.roster import Dwelling, OnCall, Roster
from alerts.rules.loading import rules_of
from core.catalogue import CATALOGUE
from core.errors import PermanentError
from tests.integration.alerts.story import SETTINGS

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # noon in Seoul


def on_call(name: str, km: float, *, kind: str = "crew", pager: str | None = "http://p/") -> OnCall:
    return OnCall(name, name, kind, 37.5 + km / 111.2, 127.0, pager, "secret", None)


def roster(*crew: OnCall, ids: int = 50) -> Roster:
    return Roster(
        NOW,
        {f"home-{n}": Dwelling(f"Home {n}", "Jongno", "", 37.5, 127.0, False) for n in range(4)},
        {f"button-{n}": f"home-{n}" for n in range(4)},
        {one.responder_id: one for one in crew},
        tuple(range(100, 100 + ids)),
        tuple(range(1000, 1000 + ids)),
    )


def alarm(home: int = 0, seq: int = 1, event_type: str = "sos.pressed") -> Alarm:
    return Alarm(
        f"home-{home}",
        f"button-{home}",
        CATALOGUE[event_type].source,
        seq,
        event_type,
        NOW,
        NOW,
        NOW,
        b"{}",
        f"dg/v1/00/button-{home}/alarm",
    )


def carrying(with_roster: Roster | None) -> Carrying:
    made = Carrying(SETTINGS, rules_of(SETTINGS))
    made.roster = with_roster
    return made


def does(state: Carrying, records: Sequence[Record]) -> Sequence[Record]:
    state.apply(records)
    return records


NEAR, FAR = on_call("near", 1.0), on_call("far", 9.0)


def test_an_sos_pages_the_nearest_at_once_then_the_next() -> None:
    state = carrying(roster(FAR, NEAR))
    (raised,) = does(state, state.take(alarm(), now=NOW))
    assert isinstance(raised, Raised)
    assert (raised.incident_id, raised.priority, raised.page_at) == (100, 1, NOW)
    (first,) = does(state, state.escalate(NOW))
    assert isinstance(first, Paged)
    assert (first.page_id, first.responder_id) == (1000, "near")
    assert state.escalate(NOW) == []
    later = NOW + timedelta(seconds=SETTINGS.answer_within_s)
    stepped, second = does(state, state.escalate(later))
    assert isinstance(stepped, Stepped)
    assert isinstance(second, Paged)
    assert (stepped.after_s, second.responder_id) == (15, "far")
    # everybody was asked: the step asks nobody, and the next round has longer to answer
    assert len(does(state, state.escalate(second.answer_by))) == 1
    (third,) = does(state, state.escalate(second.answer_by))
    assert isinstance(third, Paged)
    assert (third.responder_id, third.round) == ("near", 2)
    assert third.answer_by - third.at > first.answer_by - first.at


def test_without_a_database_the_steps_are_the_same() -> None:
    crew = [on_call(f"guard-{n}", n, kind="guard") for n in range(1, 6)]
    boss = on_call("boss", 3.0, kind="supervisor")
    state = carrying(roster(*crew, boss))
    does(state, state.take(alarm(), now=NOW))
    asked: dict[int, list[str]] = {}
    for second in range(31):
        while records := state.escalate(NOW + timedelta(seconds=second)):
            does(state, records)
            pages = [one.responder_id for one in records if isinstance(one, Paged)]
            asked.setdefault(second, []).extend(pages)
    assert asked == {0: ["guard-1"], 15: ["guard-2"], 30: ["guard-3", "guard-4", "boss"]}


def test_the_same_alarm_is_taken_once_and_another_press_joins() -> None:
    state = carrying(roster(NEAR))
    does(state, state.take(alarm(), now=NOW))
    assert state.take(alarm(), now=NOW) == []
    (joined,) = does(state, state.take(alarm(seq=2), now=NOW))
    assert joined.incident_id == 100
    assert len(state.incidents[100].alarms) == 2


def test_what_pages_nobody_is_not_carried() -> None:
    state = carrying(roster(NEAR))
    assert state.take(alarm(event_type="loiter.started"), now=NOW) == []  # P3: for the resident


def test_an_intrusion_waits_for_the_grace_though_no_operator_can_look() -> None:
    state = carrying(roster(NEAR))
    (raised,) = does(state, state.take(alarm(event_type="door.forced"), now=NOW))
    assert isinstance(raised, Raised)
    assert raised.page_at in (NOW, NOW + timedelta(seconds=SETTINGS.operator_grace_s))


def test_a_pager_that_is_dead_does_not_use_up_its_time() -> None:
    state = carrying(roster(NEAR, FAR))
    does(state, state.take(alarm(), now=NOW))
    (page,) = does(state, state.escalate(NOW))
    assert isinstance(page, Paged)
    does(state, [Tried(100, page.page_id, "webhook", NOW, "404")])
    (second,) = state.escalate(NOW)
    assert isinstance(second, Paged)
    assert second.responder_id == "far"


def test_nobody_on_call_is_looked_for_again() -> None:
    state = carrying(roster())
    does(state, state.take(alarm(), now=NOW))
    assert state.escalate(NOW) == []
    state.roster = roster(NEAR)
    assert state.escalate(NOW) == []
    assert state.escalate(NOW + timedelta(seconds=15))


def test_engineers_never_go_to_a_home() -> None:
    state = carrying(roster(on_call("wrench", 0.1, kind="engineer"), FAR))
    does(state, state.take(alarm(), now=NOW))
    (page,) = state.escalate(NOW)
    assert isinstance(page, Paged)
    assert page.responder_id == "far"


def test_without_a_roster_it_says_so() -> None:
    with pytest.raises(PermanentError, match="no roster"):
        carrying(None).take(alarm(), now=NOW)


def test_reserved_ids_are_used_once_also_after_settling() -> None:
    state = carrying(roster(NEAR))
    does(state, state.take(alarm(), now=NOW))
    does(state, state.escalate(NOW))
    began = state.began()
    does(state, [Settled(100)])
    again = carrying(roster(NEAR))
    again.apply([began])
    (raised,) = does(again, again.take(alarm(home=1), now=NOW))
    (page,) = again.escalate(NOW)
    assert isinstance(page, Paged)
    assert (raised.incident_id, page.page_id) == (101, 1001)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 40), st.booleans()),
        max_size=20,
    )
)
def test_replayed_records_give_the_same_state(
    steps: list[tuple[int, int, int, bool]],
) -> None:
    state = carrying(roster(NEAR, FAR))
    written: list[Record] = []
    now = NOW
    for home, seq, wait_s, sent in steps:
        now += timedelta(seconds=wait_s)
        written += does(state, state.take(alarm(home, seq), now=now))
        while records := state.escalate(now):
            written += does(state, records)
        for due in state.to_send(now):
            again = None if sent else now + timedelta(seconds=2)
            tried = Tried(
                due.carried.raised.incident_id,
                *due.key[:2],
                now,
                "" if sent else "away",
                again,
                due.message,
            )
            written += does(state, [tried])
    other = carrying(state.roster)
    other.apply(written)
    assert other.incidents == state.incidents
    assert other.began() == state.began()
    pages = [one.page_id for one in written if isinstance(one, Paged)]
    assert len(pages) == len(set(pages))
    homes = [one.household_id for one in state.incidents.values()]
    assert len(homes) == len(set(homes))
    assert {f"home-{home}" for home, *_ in steps} == set(homes)
