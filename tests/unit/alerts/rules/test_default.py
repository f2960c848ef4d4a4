"""The rules that ship, one sentence of their description a test."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from alerts.policy import Kind
from alerts.rules.deciding import Closes, Home, Joins, OpenIncident, Opens, decide, raised
from alerts.rules.loading import DEFAULT, load
from core.catalogue import CATALOGUE, Priority

RULES = load(DEFAULT)
AT = datetime(2026, 11, 22, 3, tzinfo=UTC)
ALARMS = sorted(name for name, row in CATALOGUE.items() if row.priority is not None)
LOITERING = OpenIncident(
    Kind.LOITERING, 3, {"loiter.started": 1}, frozenset({"loiter.started"}), open_for_s=60
)


def opens(event_type: str, home: Home = Home()) -> Opens:  # noqa: B008 - frozen
    found = decide(RULES, event_type, AT, home)
    assert isinstance(found, Opens)
    return found


def standing(incident: OpenIncident, **more: object) -> Home:
    return Home({incident.kind: incident}, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_opens_as_the_catalogue_ranks_it_and_only_life_pages_at_once(name: str) -> None:
    found = opens(name)
    ranked = CATALOGUE[name].priority
    assert found.priority == (3 if name.startswith("loiter.") else ranked)
    # a home's silence is for the counselling line and the family (`alerts.policy.whom`)
    asks = ranked is Priority.LIFE_SAFETY or name == "inactivity.raised"
    assert (found.page == "at_once") == asks


@pytest.mark.parametrize("name", sorted(set(CATALOGUE) - set(ALARMS)))
def test_what_is_no_alarm_does_nothing_alone(name: str) -> None:
    assert decide(RULES, name, AT, Home()) is None


def test_an_sos_opens_p1_at_once_alone() -> None:
    assert opens("sos.pressed") == Opens(Kind.SOS, 1, "at_once", "SOS")
    assert "sos.pressed" not in RULES.looks_at_home  # nothing is read before it is paged


def test_loitering_is_for_the_resident_first() -> None:
    found = opens("loiter.started")
    assert (found.kind, found.priority, found.page) == (Kind.LOITERING, 3, "never")
    assert found.check_after_s == (180,)


@pytest.mark.parametrize(
    ("home", "rule"),
    [
        (standing(LOITERING), "a second finding"),
        (Home(local=time(23, 30)), "at night"),
        (Home(local=time(5, 59)), "at night"),
        (Home(high_risk=True), "a home at high risk"),
    ],
)
def test_loitering_becomes_p2(home: Home, rule: str) -> None:
    found = opens("loiter.started", home)
    assert (found.priority, found.page, found.rule) == (2, "after_grace", rule)


@pytest.mark.parametrize("local", [time(6), time(21, 59)])
def test_the_day_is_no_night(local: time) -> None:
    assert opens("loiter.started", Home(local=local)).priority == 3


def test_loitering_becomes_p2_after_three_minutes_unless_it_has_ended() -> None:
    def after(seconds: float, outstanding: frozenset[str]) -> object:
        incident = OpenIncident(
            Kind.LOITERING, 3, {"loiter.started": 1}, outstanding, open_for_s=seconds
        )
        return raised(RULES, incident, standing(incident))

    assert after(179, LOITERING.outstanding) is None
    found = after(180, LOITERING.outstanding)
    assert found is not None
    assert after(180, frozenset()) is None


@pytest.mark.parametrize("name", ["door.forced", "tamper.opened"])
@pytest.mark.parametrize("minutes", [-60, 0, 60])
def test_loitering_then_a_forced_door_or_a_tamper_is_a_confirmed_intrusion(
    name: str, minutes: int
) -> None:
    lately = (("loiter.started", AT - timedelta(minutes=minutes)),)
    found = opens(name, Home(lately=lately))
    assert (found.kind, found.priority, found.page) == (Kind.INTRUSION, 1, "at_once")
    assert (found.rule, found.takes_over) == ("confirmed intrusion", None)
    assert found.follows == ("loiter.started",)
    assert opens(name, standing(LOITERING, lately=lately)).takes_over is Kind.LOITERING


def test_an_hour_later_they_have_nothing_to_do_with_each_other() -> None:
    home = Home(lately=(("loiter.started", AT - timedelta(minutes=60, seconds=1)),))
    assert opens("tamper.opened", home).kind is Kind.TAMPER
    assert opens("door.forced", home).rule == "forced door"


def test_the_residents_own_unlocking_closes_their_own_loitering() -> None:
    mine = standing(LOITERING, by_resident=True)
    found = decide(RULES, "door.unlocked", AT, mine)
    assert found == Closes(Kind.LOITERING, "it was the resident", "resident")
    assert decide(RULES, "door.unlocked", AT, standing(LOITERING)) is None
    taken = OpenIncident(Kind.LOITERING, 2, taken=True)
    assert decide(RULES, "door.unlocked", AT, standing(taken, by_resident=True)) is None
    sos = OpenIncident(Kind.SOS, 1)
    assert decide(RULES, "door.unlocked", AT, standing(sos, by_resident=True)) is None


@pytest.mark.parametrize("name", ["battery.low", "fault.raised", "power.lost", "device.offline"])
def test_a_fault_is_technical_and_pages_no_guard(name: str) -> None:
    found = opens(name)
    assert (found.kind, found.priority, found.page) == (Kind.TECHNICAL, 4, "never")


def test_a_gateways_outage_inhibits_what_is_behind_it_until_it_is_back() -> None:
    away = OpenIncident(Kind.TECHNICAL, 4, outstanding=frozenset({"gateway.offline"}))
    found = decide(RULES, "device.offline", AT, standing(away))
    assert found == Joins(Kind.TECHNICAL, "gateway.offline", inhibited=True)
    back = OpenIncident(Kind.TECHNICAL, 4, outstanding=frozenset({"battery.low"}))
    assert isinstance(decide(RULES, "device.offline", AT, standing(back)), Opens)
    assert isinstance(decide(RULES, "battery.low", AT, standing(away)), Opens)


def test_a_camera_disturbed_by_a_loiterer_is_part_of_the_loitering() -> None:
    found = decide(RULES, "camera.covered", AT, standing(LOITERING))
    assert found == Joins(Kind.LOITERING, "camera disturbed by a loiterer")
    assert opens("camera.covered").kind is Kind.CAMERA


def test_a_restore_is_looked_for_wherever_its_alarm_may_stand() -> None:
    assert RULES.restored_in("loiter.ended") == {Kind.LOITERING, Kind.INTRUSION}
    assert RULES.restored_in("tamper.restored") == {Kind.TAMPER, Kind.INTRUSION}
    assert RULES.restored_in("sos.cancelled") == {Kind.SOS}
    assert Kind.LOITERING in RULES.restored_in("camera.restored")
    assert RULES.restored_in("door.locked") == frozenset()
