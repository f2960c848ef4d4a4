"""The home is told of a loiterer at its own door, at once, and nobody is sent for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from alerts import audit
from alerts.notices import _QUERIES, NEWS_FOR_ATTEMPTS, NoticeSender
from alerts.paging.delivery import LEASE_S
from alerts.paging.webhook import WebhookChannel
from core.errors import Conflict, NotFound, PermanentError, TemporaryError
from households import contacts
from households.contacts import MAX_CONTACTS
from tests.integration.alerts.story import Story
from tests.integration.alerts.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.integration


@pytest.fixture
def sender(story: Story) -> Iterator[NoticeSender]:
    made = NoticeSender(story.database, story.clock, [story.pagers])
    yield made
    made.stop()


def name(story: Story, who: str, home: str = "home-1", **more: str) -> tuple[int, str | None]:
    way = more or {"webhook_url": "http://x/"}
    with story.database.transaction() as conn:
        return contacts.add_contact(conn, home, name=who, now=story.clock.now(), **way)  # type: ignore[arg-type]


def told(story: Story) -> list[str]:
    return sorted(page.responder_name for page in story.pagers.pages if page.message == "notice")


def test_a_loiterer_is_told_to_the_home_and_pages_nobody(
    story: Story, sender: NoticeSender
) -> None:
    story.responder("guard")
    story.home("home-2")
    for who in ("Kim", "her daughter"):
        name(story, who)
    name(story, "a neighbour's", "home-2")
    story.happens("loiter.started")
    assert story.card().priority == 3
    sender.send_due()
    assert told(story) == ["Kim", "her daughter"]
    story.happens("loiter.updated")
    while sender.send_due():
        pass
    assert len(told(story)) == 2  # news once
    assert story.moves()[:2] == ["open", "inform"]
    assert story.log_replays()
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []


@pytest.mark.parametrize("call", ["sos.pressed", "duress.pressed"])
def test_a_call_for_help_rings_no_telephone_in_the_home(
    story: Story, sender: NoticeSender, call: str
) -> None:
    name(story, "Kim")
    story.happens(call)
    assert sender.send_due() == 0


def test_it_is_sent_again_with_the_same_key_until_it_is_no_news(
    story: Story, sender: NoticeSender
) -> None:
    name(story, "Kim")
    story.pagers.fail("", TemporaryError("away"), TemporaryError("away"))
    story.happens("loiter.started")
    for _ in range(10):
        sender.send_due()
        story.skip(seconds=1)
    assert told(story) == ["Kim"]
    (row,) = story.table("SELECT state, attempts FROM notices")
    assert row == {"state": "sent", "attempts": 3}
    story.close()
    story.pagers.fail("", *[TemporaryError("away")] * 99)
    story.happens("loiter.started")
    for _ in range(60):
        sender.send_due()
        story.skip(seconds=30)
    states = story.table("SELECT state, attempts, last_error FROM notices ORDER BY notice_id")
    assert states[1] == {"state": "failed", "attempts": NEWS_FOR_ATTEMPTS, "last_error": "away"}


def test_a_sender_that_died_is_followed_by_another(story: Story, sender: NoticeSender) -> None:
    name(story, "Kim")
    story.happens("loiter.started")
    now = story.clock.now()
    given = {"now": now, "until": now + timedelta(seconds=LEASE_S), "limit": 4}
    with story.database.transaction() as conn:
        assert conn.execute(_QUERIES["claim"], given).fetchall()  # and then it dies
    assert sender.send_due() == 0
    story.skip(seconds=LEASE_S)
    assert sender.send_due() == 1
    assert told(story) == ["Kim"]


def test_over_a_real_webhook_signed_with_the_contacts_secret(story: Story) -> None:
    with WebhookReceiver() as receiver:
        channel = WebhookChannel(story.clock)
        _, secret = name(story, "Kim", webhook_url=receiver.url)
        sender = NoticeSender(story.database, story.clock, [channel])
        story.happens("loiter.started")
        sender.start()
        request = receiver.wait(1)
        sender.stop()
        channel.close()
    body = json.loads(request.body)
    assert (body["message"], body["incident"]["kind"]) == ("notice", "loitering")
    assert body["household"]["access_note"] == ""
    assert WebhookReceiver.well_signed(request, secret or "")


def test_who_was_removed_is_told_nothing(story: Story, sender: NoticeSender) -> None:
    number, _ = name(story, "Kim", apprise_url="json://localhost/")
    story.happens("loiter.started")
    with story.database.transaction() as conn:
        (listed,) = contacts.list_contacts(conn, "home-1")
        assert (listed["name"], listed["channel"]) == ("Kim", "apprise")
        contacts.remove_contact(conn, "home-1", number, now=story.clock.now())
        assert contacts.list_contacts(conn, "home-1") == []
        with pytest.raises(NotFound):
            contacts.remove_contact(conn, "home-1", number, now=story.clock.now())
    sender.send_due()
    assert told(story) == []
    assert story.table("SELECT state FROM notices") == [{"state": "failed"}]


@pytest.mark.parametrize(
    "way",
    [{}, {"webhook_url": "http://x/", "apprise_url": "json://x"}, {"webhook_url": "ftp://x"}],
)
def test_a_contact_has_one_way_to_be_reached(story: Story, way: dict[str, str]) -> None:
    with story.database.transaction() as conn, pytest.raises(PermanentError):
        contacts.add_contact(conn, "home-1", name="Kim", now=story.clock.now(), **way)  # type: ignore[arg-type]


def test_limits_of_contacts(story: Story) -> None:
    with pytest.raises(PermanentError):
        name(story, " ")
    with pytest.raises(NotFound):
        name(story, "Kim", "nowhere")
    for n in range(MAX_CONTACTS):
        name(story, f"friend {n}")
    with pytest.raises(Conflict):
        name(story, "one more")
