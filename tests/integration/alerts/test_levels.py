"""The validation level of an incident, as evidence comes and operators judge it."""

from __future__ import annotations

import pytest

from alerts import incidents
from alerts.validation import Reason
from core.errors import Conflict, PermanentError
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration
PICTURE = (
    b'{"evidence":[{"key":"a/b.jpg","sha256":"00","size_bytes":9,'
    b'"captured_at":"2026-11-22T03:00:00Z"}]}'
)


def _set(story: Story, level: int, why: str = "the postman") -> None:
    with story.database.transaction() as conn:
        incidents.set_level(
            conn,
            story.incident,
            actor="operator-1",
            now=story.clock.now(),
            level=level,
            why=why,
        )


def _levels(story: Story) -> list[tuple[str, int]]:
    """Return the log's lines at which the level changed."""
    return [
        (line.move, line.detail["level"])
        for line in story.card().timeline
        if "level" in line.detail
    ]


def test_it_rises_with_the_evidence(story: Story) -> None:
    story.happens(story.event("loiter.started", "camera-1"))
    assert (story.card().level, story.card().level_reasons) == (1, [Reason.PERSON_FOUND])
    story.happens(story.event("loiter.updated", "camera-1", data=PICTURE))
    assert story.card().level == 2
    story.happens(story.event("loiter.updated", "camera-1", data=PICTURE))
    story.happens(story.event("tamper.opened", "camera-1"))
    card = story.card()
    assert (card.level, card.level_reasons) == (
        3,
        [Reason.PERSON_FOUND, Reason.PERSON_SEEN, Reason.TAMPERED],
    )
    assert _levels(story) == [("open", 1), ("join", 2), ("upgrade", 3)]


def test_a_loiterer_of_an_incident_already_closed_counts(story: Story) -> None:
    story.happens(story.event("loiter.started", "camera-1", data=PICTURE))
    story.close("false_alarm")
    story.happens(story.event("tamper.opened", "camera-1"))
    assert story.card().level == 3


@pytest.mark.parametrize(
    ("name", "level"), [("sos.pressed", 4), ("door.forced", 1), ("battery.low", 0)]
)
def test_what_it_opens_with(story: Story, name: str, level: int) -> None:
    story.happens(name)
    assert story.card().level == level


def test_a_picture_is_only_what_a_detector_says(story: Story) -> None:
    story.happens(story.event("loiter.started", data=b'{"evidence":"none"}'))
    assert story.card().level == 1
    story.happens(story.event("loiter.updated", data=b"[1]"))
    assert story.card().level == 1


def test_an_operator_lowers_it_and_new_evidence_raises_it_again(story: Story) -> None:
    story.happens(story.event("loiter.started", data=PICTURE))
    _set(story, 0)
    card = story.card()
    assert (card.level, card.level_set_why) == (0, "the postman")
    assert card.timeline[-1].detail == {"note": "the postman", "set": 0, "level": 0}
    story.happens(story.event("loiter.updated", data=PICTURE))
    assert story.card().level == 0  # nothing that was not known
    story.happens("door.forced")
    assert story.card().level == 3
    assert story.log_replays()


def test_an_operator_raises_it_and_nothing_lowers_it(story: Story) -> None:
    story.happens("inactivity.raised")
    _set(story, 4, "heard somebody call")
    story.happens("inactivity.raised")
    story.close()
    assert (story.card().level, story.card().closing_note) == (4, "all well")
    with pytest.raises(Conflict, match="is over"):
        _set(story, 1)


def test_without_a_reason_nothing_changes(story: Story) -> None:
    story.happens("inactivity.raised")
    before = story.rows()
    for level, why in ((5, "x"), (-1, "x"), (2, " ")):
        with pytest.raises(PermanentError):
            _set(story, level, why)
    assert story.rows() == before
