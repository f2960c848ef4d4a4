"""The figures of known stories, each number worked out by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.figures import Cut, Figures, figures
from alerts.screens import note_shown
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration


def _figures(story: Story, *by: Cut) -> Figures:
    now = story.clock.now()
    with story.database.transaction() as conn:
        return figures(
            conn,
            since=now - timedelta(days=30),
            until=now + timedelta(seconds=1),
            by=by,
            now=now,
            timezone="Asia/Seoul",
        )


def _sos(story: Story, *, acknowledge_s: int, close: bool = True) -> None:
    """Play one SOS: acknowledged after so long, accepted 2 s later, there 600 s later, over."""
    story.happens("sos.pressed")
    story.wait(acknowledge_s)
    story.acknowledge()
    story.wait(2)
    story.accept("first")
    story.clock.advance(600)
    story.arrive("first")
    if close:
        story.close()


def _kept(story: Story, source: str, within_s: int) -> tuple[int, int]:
    return next(
        (one.kept, one.n)
        for one in _figures(story).norms
        if one.norm.source == source and one.norm.within_s == within_s
    )


def test_each_step_is_timed_from_the_press(story: Story) -> None:
    story.responder("first")
    for seconds in (4, 8, 6):
        _sos(story, acknowledge_s=seconds)
    steps = {one.step: one for one in _figures(story).steps}
    assert set(steps) == {"commit", "acknowledge", "page", "accept", "arrive", "close"}
    assert all(one.n == 3 and one.kind is None and one.month is None for one in steps.values())
    assert (steps["commit"].max_s, steps["page"].max_s) == (0, 0)
    assert (steps["acknowledge"].p50_s, steps["acknowledge"].max_s) == (6, 8)
    assert (steps["accept"].p50_s, steps["accept"].p99_s) == (8, 10)
    assert (steps["arrive"].p50_s, steps["close"].p50_s) == (608, 608)


def test_the_first_screen_counts(story: Story) -> None:
    story.happens("sos.pressed")
    for seconds in (0.25, 5):
        story.skip(seconds=seconds)
        with story.database.transaction() as conn:
            note_shown(conn, [story.incident, 10**9], at=story.clock.now())
    steps = {one.step: one for one in _figures(story).steps}
    assert (steps["screen"].n, steps["screen"].max_s) == (1, 0.25)


def test_a_step_that_never_came_is_not_timed(story: Story) -> None:
    story.happens("sos.pressed")
    assert [one.step for one in _figures(story).steps] == ["commit"]


def test_cuts_tell_kinds_districts_and_local_months_apart(story: Story) -> None:
    story.responder("first")
    story.happens("battery.low")
    _sos(story, acknowledge_s=1)
    with story.database.transaction() as conn:
        conn.execute("UPDATE households SET district = 'Jongno-gu'")
    steps = _figures(story, "kind", "district", "month").steps
    found = [one for one in steps if one.step == "commit"]
    assert [(one.kind, one.district, one.month, one.n) for one in found] == [
        ("sos", "Jongno-gu", "2026-11", 1),
        ("technical", "Jongno-gu", "2026-11", 1),
    ]


def test_a_norm_counts_who_came_in_time_and_who_never_came(story: Story) -> None:
    story.responder("first")
    _sos(story, acknowledge_s=10)
    _sos(story, acknowledge_s=20)
    assert _kept(story, "EN 50518 hold-up", 30) == (2, 2)
    assert _kept(story, "NENA", 15) == (1, 2)
    story.happens("sos.pressed")  # and nobody ever looks
    assert _kept(story, "NENA", 15) == (1, 2)  # there is still time
    story.clock.advance(16)
    assert _kept(story, "NENA", 15) == (1, 3)
    assert _kept(story, "EN 50518 hold-up", 30) == (2, 2)


def test_whoever_was_sent_for_and_did_not_come_is_late(story: Story) -> None:
    story.responder("first")
    _sos(story, acknowledge_s=1)
    assert _kept(story, "25 minutes", 1500) == (1, 1)
    story.happens("sos.pressed")
    story.clock.advance(1501)
    assert _kept(story, "25 minutes", 1500) == (1, 2)


def test_where_nobody_could_be_sent_nobody_is_late(story: Story) -> None:
    story.happens("sos.pressed")
    story.clock.advance(1501)
    assert _kept(story, "25 minutes", 1500) == (0, 0)


def test_nothing_to_count_is_neither_kept_nor_broken(story: Story) -> None:
    for one in _figures(story).norms:
        assert (one.n, one.share, one.met) == (0, None, None)


def test_a_norm_is_met_at_its_share_and_not_below(story: Story) -> None:
    story.responder("first")
    for seconds in (31, 1, 2, 3):
        _sos(story, acknowledge_s=seconds)
    below = next(one for one in _figures(story).norms if one.norm.within_s == 30)
    assert (below.share, below.met) == (0.75, False)
    _sos(story, acknowledge_s=4)
    reached = next(one for one in _figures(story).norms if one.norm.within_s == 30)
    assert (reached.share, reached.met) == (0.8, True)


def test_false_alarms_are_counted_beside_what_was_closed(story: Story) -> None:
    story.responder("first")
    _sos(story, acknowledge_s=1)
    story.happens("sos.pressed")
    story.close("false_alarm")
    story.happens("battery.low")  # open: not judged yet
    (found,) = _figures(story, "kind").false_alarms
    assert (found.kind, found.n, found.closed) == ("sos", 1, 2)


def test_the_synthetic_home_does_not_flatter_the_figures(story: Story) -> None:
    with story.database.transaction() as conn:
        conn.execute(
            "INSERT INTO households (household_id, name, lat, lon)"
            " VALUES ('synthetic', 'Synthetic SOS', 37.5, 127)"
        )
    story.happens(story.event("sos.test", household_id="synthetic"))
    found = _figures(story)
    assert (found.steps, found.false_alarms) == ([], [])
