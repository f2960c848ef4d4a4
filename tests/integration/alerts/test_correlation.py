"""From events to incidents by the rules that ship, on a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts import board, correlation
from alerts.lifecycle import State
from alerts.policy import Kind
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


def _kinds(story: Story) -> list[str]:
    with story.database.transaction() as conn:
        return [card.kind for card in board.queue(conn, story.clock.now())]


def test_a_loiterer_who_goes_away_pages_nobody(story: Story) -> None:
    story.responder("first")
    story.happens(story.event("loiter.started", "camera-1"))
    assert (story.card().priority, story.card().state) == (3, State.RAISED)
    story.wait(100)
    story.happens(story.event("loiter.ended", "camera-1"))
    story.wait(200)
    assert story.card().priority == 3
    assert story.paged() == []


def test_a_loiterer_who_stays_three_minutes_is_p2_and_somebody_is_sent(story: Story) -> None:
    story.responder("first")
    story.happens(story.event("loiter.started", "camera-1"))
    story.wait(179)
    assert story.card().priority == 3
    story.wait(1)
    assert story.card().priority == 2
    story.wait(15)
    assert story.paged() == [(195.0, "first")]
    assert story.moves() == ["open", "upgrade", "dispatch", "page", "sent"]
    assert story.card().timeline[1].detail == {"rule": "there for three minutes", "priority": 2}
    assert story.log_replays()


def test_an_operator_who_has_the_loiterer_in_hand_keeps_it(story: Story) -> None:
    story.responder("first")
    story.happens(story.event("loiter.started", "camera-1"))
    story.acknowledge()
    story.wait(200)
    assert story.card().priority == 2
    assert story.paged() == []


def test_a_home_at_high_risk(story: Story) -> None:
    story.responder("first")
    with story.database.transaction() as conn:
        conn.execute("UPDATE households SET high_risk = true")
    story.happens("loiter.started")
    story.wait(15)
    assert story.card().priority == 2
    assert story.paged() == [(15.0, "first")]


def test_at_night_by_the_clock_on_the_wall(story: Story) -> None:
    story.responder("first")
    evening = datetime(2026, 11, 22, 12, 59, tzinfo=UTC)  # 21:59 in Seoul
    story.happens(story.event("loiter.started", at=evening))
    assert story.card().priority == 3
    story.close()
    story.happens(story.event("loiter.started", at=evening + timedelta(minutes=1)))
    assert story.card().priority == 2


def test_loitering_that_becomes_an_intrusion_is_one_incident(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    loitering = story.happens(story.event("loiter.started", "camera-1"))
    story.acknowledge()
    story.wait(60)
    assert story.happens(story.event("tamper.opened", "camera-1")) == loitering
    card = story.card()
    assert (card.kind, card.priority) == (Kind.INTRUSION, 1)
    assert card.acknowledged_at is None  # it rings again
    assert story.paged() == [(60.0, "first")]
    assert story.moves() == ["open", "acknowledge", "upgrade", "ring", "dispatch", "page", "sent"]
    assert card.timeline[2].detail["was"] == "loitering"
    story.happens(story.event("door.forced", "camera-1"))
    assert _kinds(story) == ["intrusion"]
    story.happens(story.event("loiter.ended", "camera-1"))
    assert story.moves()[-1] == "restore"
    assert story.log_replays()


def test_a_loitering_that_was_closed_still_counts_for_an_hour(story: Story) -> None:
    story.responder("first")
    story.happens(story.event("loiter.started", "camera-1"))
    story.close("false_alarm")
    story.skip(minutes=50)
    story.happens(story.event("tamper.opened", "camera-1"))
    assert (story.card().kind, story.card().priority) == (Kind.INTRUSION, 1)
    story.close()
    story.skip(minutes=15)
    story.happens(story.event("tamper.opened", "camera-1"))
    assert (story.card().kind, story.card().priority) == (Kind.TAMPER, 2)


def test_a_neighbours_loiterer_is_none_of_ours(story: Story) -> None:
    story.home("home-2")
    story.happens(story.event("loiter.started", "camera-2", household_id="home-2"))
    story.happens(story.event("tamper.opened", "camera-1"))
    assert story.card().kind == Kind.TAMPER


def test_the_resident_unlocks_and_the_loitering_was_theirs(story: Story) -> None:
    story.responder("first")
    with story.database.transaction() as conn:
        conn.execute("INSERT INTO users VALUES ('kim', 'resident', 'x'), ('lee', 'resident', 'x')")
        conn.execute("INSERT INTO user_households VALUES ('kim', 'home-1')")
    story.loiterer()
    story.wait(16)
    assert story.paged() == [(15.0, "first")]
    for data in (b'{"method":"keypad"}', b'{"user":"lee"}', b'{"user":7}', b'{"user":"a\\u0000"}'):
        assert story.happens(story.event("door.unlocked", data=data)) is None
    unlocked = story.event("door.unlocked", data=b'{"method":"keypad","user":"kim"}')
    assert story.happens(unlocked) == story.incident
    card = story.card()
    assert (card.state, card.closing_note) == (State.FALSE_ALARM, "it was the resident")
    (end,) = (line for line in card.timeline if line.move == "mark_false")
    assert (end.actor, end.detail["cause"]) == ("device:button-1", "resident")
    assert story.stood_down() == ["first"]
    assert story.log_replays()
    assert story.happens(unlocked) == story.incident  # redelivered
    story.wait(300)
    assert len(story.paged()) == 1


@pytest.mark.parametrize("taken", ["operator", "responder", "sos"])
def test_what_somebody_has_in_hand_only_a_human_closes(story: Story, taken: str) -> None:
    story.responder("first")
    with story.database.transaction() as conn:
        conn.execute("INSERT INTO users VALUES ('kim', 'resident', 'x')")
        conn.execute("INSERT INTO user_households VALUES ('kim', 'home-1')")
    if taken == "sos":
        story.happens("sos.pressed")
    else:
        story.loiterer()
        story.wait(16)
        if taken == "operator":
            story.acknowledge()
        else:
            story.accept("first")
    assert story.happens(story.event("door.unlocked", data=b'{"user":"kim"}')) is None
    assert story.card().closed_at is None


def test_behind_a_silent_gateway(story: Story) -> None:
    story.happens(story.event("gateway.offline", "gateway-1"))
    outage = story.incident
    for n in range(3):
        assert story.happens(story.event("device.offline", f"camera-{n}")) == outage
    inhibited = [line.detail.get("inhibited_by") for line in story.card().timeline]
    assert inhibited == [None, *["gateway.offline"] * 3]
    story.happens(story.event("gateway.online", "gateway-1"))
    assert not story.card().restored  # three devices are still away
    story.happens(story.event("device.offline", "camera-3"))
    assert "inhibited_by" not in story.card().timeline[-1].detail


def test_a_camera_covered_by_a_loiterer_stands_in_the_loitering(story: Story) -> None:
    loitering = story.happens(story.event("loiter.started", "camera-1"))
    assert story.happens(story.event("camera.covered", "camera-1")) == loitering
    assert _kinds(story) == ["loitering"]
    assert story.happens(story.event("camera.restored", "camera-1")) == loitering


def test_an_sos_reads_nothing_of_the_home_before_it_is_paged(story: Story) -> None:
    story.responder("first")
    story.happens("loiter.started")
    with story.database.transaction() as conn:
        made: list[object] = []
        real = conn.execute
        conn.execute = lambda q, *a, **k: (made.append(q), real(q, *a, **k))[1]  # type: ignore[method-assign,assignment,misc]
        try:
            correlation.on_event(
                conn, story.event("sos.pressed"), now=story.clock.now(), settings=SETTINGS
            )
        finally:
            del conn.execute  # type: ignore[method-assign]
    asked = " ".join(str(one) for one in made)
    assert "INSERT INTO pages" in asked
    assert "high_risk" not in asked
    assert "user_households" not in asked
