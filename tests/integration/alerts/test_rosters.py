"""Rosters in the database, and what they mean for who is paged."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from alerts import rosters
from alerts.roster_week import Night, week
from alerts.shifts import EVERY_DAY, ChangeKind, WeeklyShift
from core.errors import NotFound, PermanentError
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration

ZONE = SETTINGS.timezone
NIGHT = (time(21), time(2, 30))
WEEKDAYS = frozenset({1, 2, 3, 4, 5})


def _at(story: Story, hour: int, minute: int = 0) -> None:
    """Move the clock to a time of day in Seoul."""
    local = story.clock.now() + timedelta(hours=9)
    wanted = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    story.skip(seconds=((wanted - local).total_seconds()) % 86400)


def test_a_crew_that_goes_off_shift_during_the_page_is_followed_at_once(story: Story) -> None:
    story.responder("leaving", km=1, shift=(time(9), time(18)))
    story.responder("night", km=5, shift=(time(17), time(6)))
    _at(story, 17, 59)
    story.wait(52)  # eight seconds are left of the shift
    story.happens("sos.pressed")
    assert [who for _, who in story.paged()] == ["leaving"]
    story.wait(8)
    assert [who for _, who in story.paged()] == ["leaving", "night"]
    story.wait(120)
    assert [who for _, who in story.paged()].count("leaving") == 1


def test_who_has_accepted_stays_responsible_after_the_shift(story: Story) -> None:
    story.responder("leaving", km=1, shift=(time(9), time(18)))
    story.responder("night", km=5)
    _at(story, 17, 59)
    story.happens("sos.pressed")
    story.accept("leaving")
    story.wait(120)
    assert [who for _, who in story.paged()] == ["leaving"]
    assert story.arrive("leaving").page_state == "arrived"


def test_who_falls_ill_during_the_page_is_followed_at_once(story: Story) -> None:
    story.responder("first", km=1)
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.absent("first", ChangeKind.SICK)
    story.wait(1)
    assert [who for _, who in story.paged()] == ["first", "second"]
    with story.database.transaction() as conn:
        assert rosters.end_absences(conn, "first", now=story.clock.now()) == 1
        assert rosters.duties(conn, story.clock.now()) == {}


def test_a_swap_pages_the_partner(story: Story) -> None:
    story.responder("own", km=1, shift=NIGHT)
    story.responder("partner", km=2, shift=(time(9), time(18)))
    _at(story, 20)
    day = (story.clock.now() + timedelta(hours=9)).date()
    with story.database.transaction() as conn:
        given = {"timezone": ZONE, "noted_by": "boss", "now": story.clock.now(), "day": day}
        ((begin, end),) = rosters.swap(conn, "own", "partner", **given)
        assert end - begin == timedelta(hours=5, minutes=30)
        with pytest.raises(PermanentError, match="no shift"):
            rosters.swap(conn, "own", "partner", **given)
        with pytest.raises(PermanentError, match="two people"):
            rosters.swap(conn, "own", "own", **given)
        with pytest.raises(NotFound):
            rosters.swap(conn, "partner", "stranger", **given)
    _at(story, 22)
    story.happens("sos.pressed")
    story.wait(10)
    assert {who for _, who in story.paged()} == {"partner"}


def test_an_import_is_whole_or_not_at_all(story: Story) -> None:
    story.responder("one")
    shifts = [WeeklyShift(WEEKDAYS, *NIGHT)]
    with story.database.transaction() as conn:
        with pytest.raises(NotFound, match="ghost"):
            rosters.import_shifts(conn, {"one": shifts, "ghost": shifts})
        assert rosters.duties(conn, story.clock.now()) == {}
        rosters.import_shifts(conn, {"one": shifts})
        assert rosters.duties(conn, story.clock.now())["one"].shifts == tuple(shifts)


def test_the_week_tells_who_is_there_and_where_guards_are_missing(story: Story) -> None:
    for n in range(4):
        story.responder(f"guard-{n}", kind="guard", district="Jongno")
    story.responder("crew")
    monday = date(2026, 11, 23)
    with story.database.transaction() as conn:
        given = {f"guard-{n}": [WeeklyShift(WEEKDAYS, *NIGHT)] for n in range(4)}
        rosters.import_shifts(conn, given)
        now = story.clock.now()
        assert week(conn, monday, timezone=ZONE, now=now).short == []
        sick_from = now.replace(year=2026, month=11, day=24, hour=13)  # 22:00 on Tuesday in Seoul
        rosters.note_absence(
            conn,
            "guard-0",
            ChangeKind.SICK,
            start=sick_from,
            end=sick_from + timedelta(days=1),
            noted_by="boss",
            now=now,
        )
        found = week(conn, monday, timezone=ZONE, now=now)
    assert found.short == [
        Night("Jongno", date(2026, 11, 24), 3),
        Night("Jongno", date(2026, 11, 25), 3),
    ]
    people = {one.responder_id: one for one in found.people}
    assert people["crew"].always
    assert len(people["guard-1"].periods) == 5
    assert len(people["guard-0"].periods) == 5  # Tuesday's ends early, Wednesday's begins late
    assert people["guard-0"].periods[1][1] == sick_from


def test_a_shift_of_everybody_else_stays(story: Story) -> None:
    story.responder("one", shift=NIGHT)
    with story.database.transaction() as conn:
        rosters.set_shifts(conn, "one", [])
        assert rosters.duties(conn, story.clock.now()) == {}
        rosters.set_shifts(conn, "one", [WeeklyShift(EVERY_DAY, *NIGHT)])
        assert set(rosters.duties(conn, story.clock.now())) == {"one"}
