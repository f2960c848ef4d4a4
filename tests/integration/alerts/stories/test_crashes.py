"""Processes that die in the middle: no press is lost, no page goes unrecorded.

Each death is a real one: a process of its own, killed with SIGKILL (`dying_process`).
"""

from __future__ import annotations

import json

import pytest

from alerts import audit
from tests.integration.alerts.stories.conftest import Dies
from tests.integration.alerts.story import Story
from tests.integration.alerts.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.integration


@pytest.fixture
def one_crew(story: Story) -> Story:
    story.responder("first")
    return story


def the_incident(story: Story) -> int:
    (row,) = story.table("SELECT incident_id FROM incidents")
    story.incident = row["incident_id"]
    return story.incident


def holds_together(story: Story) -> bool:
    with story.database.transaction() as conn:
        return story.log_replays() and audit.verify(conn) == []


def test_the_process_dies_between_the_commit_and_the_send(one_crew: Story, dies: Dies) -> None:
    dies("commit")
    the_incident(one_crew)
    one_crew.expect()
    one_crew.wait(1)
    one_crew.expect("first")
    assert one_crew.moves() == ["open", "dispatch", "page", "sent"]
    assert holds_together(one_crew)


def test_the_sender_dies_with_the_page_in_its_hands(one_crew: Story, dies: Dies) -> None:
    dies("commit")
    the_incident(one_crew)
    dies("claim")
    one_crew.wait(14)
    one_crew.expect()  # its lease holds: it may be alive, and sending
    one_crew.wait(1)
    assert one_crew.paged()[0] == (15.0, "first")
    assert holds_together(one_crew)


def test_the_sender_dies_between_the_send_and_the_record(one_crew: Story, dies: Dies) -> None:
    one_crew.responder("second", km=2)
    dies("commit")
    the_incident(one_crew)
    with WebhookReceiver() as pager:
        dies("send", url=pager.url)
        got = pager.wait(1)
    assert json.loads(got.body)["responder"]["id"] == "first"
    assert "sent" not in one_crew.moves()
    one_crew.wait(15)  # sent again, and the next is asked meanwhile: twice beats never
    assert {who for _, who in one_crew.paged()} == {"first", "second"}
    again = next(page for page in one_crew.pagers.pages if page.responder_id == "first")
    assert got.headers["Idempotency-Key"] == again.idempotency_key
    assert [line.detail["responder"] for line in one_crew.card().timeline if line.move == "sent"]
    assert holds_together(one_crew)


def test_the_process_dies_before_the_press_is_committed(one_crew: Story, dies: Dies) -> None:
    dies("press")
    assert one_crew.rows()["incidents"] == 0  # no ack went out: the button presses again
    one_crew.press()
    one_crew.expect("first")
    assert one_crew.rows()["incidents"] == 1


def test_the_process_dies_in_the_middle_of_an_escalation(one_crew: Story, dies: Dies) -> None:
    one_crew.responder("second", km=2)
    one_crew.press()
    one_crew.expect("first")
    one_crew.skip(seconds=15)
    dies("escalate")
    one_crew.expect()
    one_crew.wait(1)  # the other process: the timer is where it was
    one_crew.expect("second")
    assert one_crew.moves().count("unanswered") == 1
    assert holds_together(one_crew)


def test_everything_is_down_for_an_hour_with_an_incident_open(one_crew: Story) -> None:
    one_crew.responder("second", km=2)
    one_crew.press()
    one_crew.skip(hours=1)
    one_crew.expect("first")
    one_crew.wait(1)
    one_crew.expect("second")
    assert one_crew.log_replays()
