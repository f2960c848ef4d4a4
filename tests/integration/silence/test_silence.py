"""Silence as an alarm, from what is known of devices to incidents and pages."""

from __future__ import annotations

import json
from datetime import datetime, time
from typing import Any

import pytest

from alerts import board, incidents
from app.processes.silence import Silence, everything_is_heard
from app.provision import ensure_synthetic
from core.database import Connection, Database
from core.errors import NotFound, PermanentError
from core.topics import PARTITIONS
from gateway import registry, supervision
from households import caring
from households.care import CareRule
from households.modes import Mode, set_mode
from ingest import device_state, handoff
from tests.conftest import ManualClock
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


class Watch:
    """A fleet whose devices speak or do not; a round is what the processes do in five seconds."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.story = Story(database, clock)
        self.hearing = True
        self.speaking: set[str] = set()
        self.told: list[tuple[str, str]] = []
        self.restart()
        with database.transaction() as conn:
            ensure_synthetic(conn, "k" * 32, clock.now())

    def restart(self) -> None:
        self.silence = Silence(
            SETTINGS, self.story.database, self.story.clock, hears=lambda *_: self.hearing
        )

    def device(self, device_id: str, home: str = "home-1", kind: str = "camera") -> None:
        now = self.story.clock.now()
        with self.story.database.transaction() as conn:
            registry.add_device(conn, device_id, household_id=home, kind=kind, now=now)
        self.speaking.add(device_id)

    def round(self) -> None:
        self.story.clock.advance(supervision.EVERY_S)
        now = self.story.clock.now()
        with self.story.database.transaction() as conn:
            if self.hearing and self.speaking:
                device_state.DeviceState().heard(conn, self.speaking, set(), now)
            self.silence.look(conn)
        with self.story.database.transaction() as conn:
            for event in handoff.take(conn, now=now):
                self.told.append((event.type, event.device_id))
                found = incidents.on_event(conn, event, now=now, settings=SETTINGS)
                self.story.incident = found or self.story.incident
        self.story.dispatcher.deliver_due()

    def pass_s(self, seconds: float) -> None:
        for _ in range(round(seconds / supervision.EVERY_S)):
            self.round()

    def open(self) -> list[board.IncidentCard]:
        with self.story.database.transaction() as conn:
            return board.queue(conn, self.story.clock.now())


@pytest.fixture
def watch(database: Database, clock: ManualClock) -> Watch:
    made = Watch(database, clock)
    made.device("camera-1")
    made.round()
    return made


def test_a_lost_device_is_told_within_90_s_and_pages_nobody(watch: Watch) -> None:
    watch.story.responder("guard", kind="guard")
    watch.speaking.clear()
    watch.pass_s(75)
    assert watch.told == []
    watch.pass_s(15)
    assert watch.told == [("device.offline", "camera-1")]
    (card,) = watch.open()
    assert (card.kind, card.priority) == ("technical", 4)
    watch.pass_s(300)
    assert len(watch.told) == 1
    assert watch.story.paged() == []
    watch.speaking.add("camera-1")
    watch.round()
    assert watch.told[1:] == [("device.online", "camera-1")]
    assert watch.open()[0].restored


def test_a_last_will_is_told_within_seconds(watch: Watch, conn: Connection) -> None:
    watch.speaking.clear()
    conn.execute(
        "UPDATE device_state SET online = false, status_at = %s", (watch.story.clock.now(),)
    )
    watch.pass_s(15)
    assert watch.told == [("device.offline", "camera-1")]


def test_a_silent_gateway_keeps_what_is_behind_it_in_its_own_incident(watch: Watch) -> None:
    watch.device("button-1", kind="button")
    with watch.story.database.transaction() as conn:
        supervision.put_behind(conn, "button-1", "camera-1")
    watch.round()
    watch.speaking.clear()
    watch.pass_s(120)
    assert watch.told == [("gateway.offline", "camera-1"), ("device.offline", "button-1")]
    (card,) = watch.open()
    inhibited = [line.detail.get("inhibited_by") for line in card.timeline if line.move == "join"]
    assert inhibited == ["gateway.offline"]
    watch.speaking |= {"camera-1", "button-1"}
    watch.round()
    assert {name for name, _ in watch.told[2:]} == {"gateway.online", "device.online"}
    assert watch.open()[0].restored


def test_a_restart_tells_nothing_twice_and_forgets_nothing(watch: Watch) -> None:
    watch.speaking.clear()
    watch.pass_s(100)
    watch.restart()
    watch.pass_s(300)
    assert watch.told == [("device.offline", "camera-1")]
    watch.restart()
    watch.speaking.add("camera-1")
    watch.round()
    assert watch.told[1:] == [("device.online", "camera-1")]


@pytest.mark.parametrize("outage", ["process", "broker"])
def test_our_own_outage_is_no_devices_silence(watch: Watch, outage: str) -> None:
    if outage == "process":
        watch.story.skip(hours=2)
    else:
        watch.hearing = False
        watch.pass_s(600)
        watch.hearing = True
    watch.speaking.clear()
    watch.pass_s(70)  # they are not back yet
    assert watch.told == []
    watch.speaking.add("camera-1")
    watch.pass_s(600)
    assert watch.told == []


def test_much_of_the_fleet_at_once_pages_the_engineer_once(watch: Watch) -> None:
    watch.story.responder("engineer", kind="engineer")
    for n in range(30):
        watch.device(f"camera-x{n}")
    watch.round()
    watch.speaking.clear()
    watch.pass_s(600)
    assert watch.told == []
    assert [who for _at, who in watch.story.paged()] == ["engineer"]
    assert watch.silence.figures() == {"silent": 0, "silent_held": 31}
    watch.speaking |= {f"camera-x{n}" for n in range(30)}
    watch.pass_s(10)
    assert watch.told == [("device.offline", "camera-1")]  # the one that did not come back


def test_a_device_out_of_service_is_not_missed(watch: Watch) -> None:
    watch.speaking.clear()
    with watch.story.database.transaction() as conn:
        registry.remove_device(conn, "camera-1", now=watch.story.clock.now())
    watch.pass_s(300)
    assert watch.told == []


@pytest.mark.parametrize(
    ("device", "gateway", "error"),
    [
        ("camera-1", "camera-1", PermanentError),
        ("camera-1", "nothing", NotFound),
        ("nothing", "camera-1", NotFound),
        ("camera-2", "camera-3", PermanentError),
        ("camera-1", "camera-2", PermanentError),
    ],
)
def test_what_cannot_be_behind_what(
    watch: Watch, device: str, gateway: str, error: type[Exception]
) -> None:
    watch.device("camera-2")
    watch.device("camera-3")
    with watch.story.database.transaction() as conn:
        supervision.put_behind(conn, "camera-3", "camera-1")
        with pytest.raises(error):
            supervision.put_behind(conn, device, gateway)


def beat(conn: Connection, now: datetime, **figures: Any) -> None:
    conn.execute(
        "INSERT INTO process_beats (process, instance, pid, version, started_at, beat_at, figures)"
        " VALUES ('ingest', %s, 1, '1', %s, %s, %s::jsonb)",
        (figures.pop("name", "a"), now, now, json.dumps(figures)),
    )


def test_everything_is_heard_while_all_partitions_are_read(
    conn: Connection, clock: ManualClock
) -> None:
    now = clock.now()
    assert not everything_is_heard(conn, now)
    beat(conn, now, partitions=PARTITIONS // 2, connected=True)
    assert not everything_is_heard(conn, now)
    beat(conn, now, name="b", partitions=PARTITIONS // 2, connected=True)
    assert everything_is_heard(conn, now)
    beat(conn, now, name="c", partitions=0, connected=False)
    assert not everything_is_heard(conn, now)


# homes: noon in Seoul now


@pytest.fixture
def cared_for(watch: Watch) -> Watch:
    """Home-1 is asked after when its door was silent for six of its waking hours."""
    now = watch.story.clock.now()
    with watch.story.database.transaction() as conn:
        caring.set_rule(conn, "home-1", CareRule(6, time(7), time(22)), now=now)
    watch.pass_s(900)
    assert watch.told == []
    return watch


def leap(watch: Watch, hours: float) -> None:
    """Hours pass in which everything runs; only their last quarter is played."""
    watch.story.skip(hours=hours - 0.25)
    watch.pass_s(900)


def opens_the_door(watch: Watch) -> None:
    now = watch.story.clock.now()
    with watch.story.database.transaction() as conn:
        watch.silence._store(conn, [watch.story.event("door.opened", "camera-1", at=now)])


def test_a_silent_home_is_asked_after_by_the_line_and_no_guard_is_sent(cared_for: Watch) -> None:
    story = cared_for.story
    story.responder("guard", km=0.1, kind="guard")
    story.responder("line", km=9, kind="counsellor")
    story.responder("daughter", km=20, kind="guardian", households=["home-1"])
    leap(cared_for, 5.5)
    assert cared_for.told == []
    leap(cared_for, 0.5)
    assert cared_for.told == [("inactivity.raised", caring.DEVICE)]
    (card,) = cared_for.open()
    assert (card.kind, card.priority) == ("inactivity", 3)
    assert [who for _at, who in story.paged()][:1] == ["line"]
    story.fast_forward(minutes=5)
    assert {who for _at, who in story.paged()} == {"line", "daughter"}
    opens_the_door(cared_for)
    cared_for.pass_s(30)
    assert cared_for.told[1:] == [("inactivity.cleared", caring.DEVICE)]
    assert cared_for.open()[0].restored  # a human closes it


def test_the_night_and_a_door_that_opened_are_no_silence(cared_for: Watch) -> None:
    leap(cared_for, 5)
    opens_the_door(cared_for)
    leap(cared_for, 4.9)  # 22:09: three hours to ten, and it is night
    leap(cared_for, 8)
    assert cared_for.told == []
    leap(cared_for, 3)
    assert cared_for.told == [("inactivity.raised", caring.DEVICE)]


def test_nobody_is_asked_after_on_holiday(cared_for: Watch) -> None:
    now = cared_for.story.clock.now()
    with cared_for.story.database.transaction() as conn:
        set_mode(conn, "home-1", Mode.HOLIDAY, until=None, by="kim", now=now)
    leap(cared_for, 72)
    assert cared_for.told == []
    now = cared_for.story.clock.now()
    with cared_for.story.database.transaction() as conn:
        set_mode(conn, "home-1", Mode.HOME, until=None, by="kim", now=now)
    leap(cared_for, 5)
    assert cared_for.told == []  # who comes home begins anew
    leap(cared_for, 2)
    assert cared_for.told == [("inactivity.raised", caring.DEVICE)]


def test_a_dead_camera_says_nothing_of_its_home(cared_for: Watch) -> None:
    cared_for.speaking.clear()
    cared_for.pass_s(120)
    leap(cared_for, 24)
    assert [name for name, _ in cared_for.told] == ["device.offline"]


def test_after_an_outage_of_ours_a_home_has_time_to_be_heard(cared_for: Watch) -> None:
    cared_for.hearing = False
    cared_for.story.skip(hours=24)
    cared_for.hearing = True
    cared_for.pass_s(300)
    assert cared_for.told == []  # what the devices kept is on its way
    opens_the_door(cared_for)
    cared_for.pass_s(900)
    assert cared_for.told == []


def test_a_rule_that_ends_asks_no_more(cared_for: Watch) -> None:
    with cared_for.story.database.transaction() as conn:
        assert caring.rule_of(conn, "home-1") == CareRule(6)
        caring.end_rule(conn, "home-1")
        assert caring.rule_of(conn, "home-1") is None
        with pytest.raises(NotFound):
            caring.end_rule(conn, "home-1")
        with pytest.raises(NotFound):
            caring.set_rule(conn, "nowhere", CareRule(6), now=cared_for.story.clock.now())
    leap(cared_for, 24)
    assert cared_for.told == []
