"""What the lifeline carried comes into the database once, and time goes on from there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts import audit
from alerts.finding import Found, Photo
from alerts.lifeline.carried import Carried
from alerts.lifeline.ledger import Ledger
from alerts.lifeline.reconciling import enter_answer, log_looks, reconcile
from alerts.lifeline.records import Alarm, Kept, Said
from alerts.paging.delivery import Result
from core.errors import NotFound
from core.model import Event
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


def alarm_of(event: Event) -> Alarm:
    return Alarm(
        event.household_id,
        event.device_id,
        event.source,
        event.seq,
        event.type,
        event.at,
        event.at,
        event.received_at,
        event.data,
        "dg/v1/00/button-1/alarm",
    )


@pytest.fixture
def ledger(story: Story, tmp_path: Path) -> Ledger:
    story.responder("near", 1)
    story.responder("far", 5)
    made = Ledger(tmp_path / "lifeline", SETTINGS)
    made.refresh(story.database, story.clock.now())
    return made


def send(ledger: Ledger, story: Story) -> None:
    """Let time do what it does without a database, and every message arrive."""
    for claimed in ledger.due(story.clock.now()):
        story.pagers.send(claimed.page, "", "")
        ledger.tried(claimed, Result(), now=story.clock.now())


def bring_in(story: Story, carried: Carried, *events: Event) -> int:
    with story.database.transaction() as conn:
        return reconcile(conn, carried, events, now=story.clock.now(), settings=SETTINGS)


def pages(story: Story) -> list[tuple[int, str, str]]:
    return [(page.page_id, page.responder_id, page.state) for page in story.card().pages]


def test_one_press_two_pages_and_the_third_by_the_database(story: Story, ledger: Ledger) -> None:
    event = story.event("sos.pressed")
    assert ledger.take(alarm_of(event), now=story.clock.now())
    send(ledger, story)
    story.clock.advance(16)
    send(ledger, story)
    story.clock.advance(20)
    (carried,) = ledger.to_settle()
    story.incident = bring_in(story, carried, event)
    ledger.settle(carried)
    assert story.incident == carried.raised.incident_id
    sent = [page.page_id for page in story.pagers.pages]
    assert [page_id for page_id, *_ in pages(story)][:2] == sent
    assert [name for _, name, _ in pages(story)] == ["near", "far", "near"]
    story.dispatcher.deliver_due()
    assert [page.page_id for page in story.pagers.pages][2] == pages(story)[2][0]
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []
    assert ledger.to_settle() == []
    # and who was paged without a database accepts as anybody does
    view = story.accept("near")
    assert view.accepted


def test_it_is_brought_in_by_two_roads_and_stands_there_once(story: Story, ledger: Ledger) -> None:
    event = story.event("sos.pressed")
    ledger.take(alarm_of(event), now=story.clock.now())
    claimed = ledger.due(story.clock.now())
    early = ledger.carried_for(alarm_of(event).key)
    assert early is not None
    story.incident = bring_in(story, early, event)  # the lane, while the page is on its way
    assert ledger.to_settle() == []
    story.dispatcher.deliver_due()
    assert story.pagers.pages == []  # the database leaves what is being sent alone
    for one in claimed:
        ledger.tried(one, Result(), now=story.clock.now())
    before = story.rows()
    (carried,) = ledger.to_settle()
    bring_in(story, carried, event)
    bring_in(story, carried, event)
    after = story.rows()
    assert after["incidents"] == before["incidents"] == 1
    assert after["pages"] == before["pages"] == 1
    assert after["deliveries"] == before["deliveries"] == 1
    assert after["incident_log"] == before["incident_log"] + 1  # that it was sent
    assert [state for *_, state in pages(story)] == ["sent"]
    story.wait(20)
    assert [name for _, name, _ in pages(story)] == ["near", "far"]


def test_at_a_home_with_an_open_incident_it_joins(story: Story, ledger: Ledger) -> None:
    story.happens("sos.pressed")
    open_already = story.incident
    story.clock.advance(30)
    event = story.event("sos.pressed")
    ledger.take(alarm_of(event), now=story.clock.now())
    send(ledger, story)
    (carried,) = ledger.to_settle()
    assert bring_in(story, carried, event) == open_already
    assert story.rows()["incidents"] == 1
    sent = {page.page_id for page in story.pagers.pages}
    assert sent <= {page_id for page_id, *_ in pages(story)}


def test_a_committed_press_that_was_paged_twice_is_one_incident(
    story: Story, ledger: Ledger
) -> None:
    event = story.event("sos.pressed")
    ledger.take(alarm_of(event), now=story.clock.now())
    story.happens(event)  # the database was slow, not away
    send(ledger, story)
    (carried,) = ledger.to_settle()
    assert bring_in(story, carried, event) == story.incident
    assert story.rows()["incidents"] == 1
    assert {page.page_id for page in story.pagers.pages} == {one for one, *_ in pages(story)}


def test_a_restart_carries_on_from_the_journal(
    story: Story, ledger: Ledger, tmp_path: Path
) -> None:
    event = story.event("sos.pressed")
    ledger.take(alarm_of(event), now=story.clock.now())
    first = ledger.due(story.clock.now())
    ledger.close()  # as a kill leaves it: claimed, and nobody knows whether it was sent
    again = Ledger(tmp_path / "lifeline", SETTINGS)
    assert again.take(alarm_of(event), now=story.clock.now())
    second = again.due(story.clock.now())
    assert [one.page.idempotency_key for one in second] == [
        one.page.idempotency_key for one in first
    ]
    story.clock.advance(15)
    assert [one.page.responder_id for one in again.due(story.clock.now())] == ["far"]


def test_a_retry_that_failed_goes_on_in_the_database(story: Story, ledger: Ledger) -> None:
    event = story.event("sos.pressed")
    ledger.take(alarm_of(event), now=story.clock.now())
    (claimed,) = ledger.due(story.clock.now())
    ledger.tried(claimed, Result("pager away", 2.0), now=story.clock.now())
    (carried,) = ledger.to_settle()
    story.incident = bring_in(story, carried, event)
    story.wait(15)
    keys = [page.idempotency_key for page in story.pagers.pages]
    assert claimed.page.idempotency_key in keys


def test_ids_are_reserved_again_before_they_run_out(story: Story, ledger: Ledger) -> None:
    with story.database.transaction() as conn:
        taken = conn.execute("SELECT nextval('incidents_incident_id_seq') AS id").fetchone()
    event = story.event("sos.pressed")
    ledger.take(alarm_of(event), now=story.clock.now() + timedelta(seconds=1))
    carried = ledger.carried_for(alarm_of(event).key)
    assert taken is not None
    assert carried is not None
    assert carried.raised.incident_id < taken["id"]
    ledger.refresh(story.database, story.clock.now())
    assert ledger.figures(story.clock.now())["roster_age_s"] == 0


def test_answers_given_meanwhile_stand_in_the_database_with_their_own_times(
    story: Story, ledger: Ledger
) -> None:
    event = story.event("sos.pressed")
    assert ledger.take(alarm_of(event), now=story.clock.now())
    send(ledger, story)
    (page,) = story.pagers.pages
    story.clock.advance(3)
    answered_at = story.clock.now()
    seen = ledger.look(page.page_id, now=answered_at, shown=True)
    assert seen is not None
    assert seen.address == "Jongno 1"
    view = ledger.answer(page.page_id, Said("accept", channel="webhook"), now=answered_at)
    assert view is not None
    assert view.accepted
    assert ledger.answer(7, Said("accept"), now=answered_at) is None, "not carried here"
    story.clock.advance(60)
    send(ledger, story)
    assert len(story.pagers.pages) == 1, "somebody goes: nobody else is asked"
    (carried,) = ledger.to_settle()
    for _ in range(2):  # the lane and the lifeline may both bring it in
        story.incident = bring_in(story, carried, event)
    with story.database.transaction() as conn:
        log_looks(conn, carried)
        looks = conn.execute(
            "SELECT actor, at FROM access_log WHERE household_id = 'home-1'"
        ).fetchall()
    ledger.settle(carried)
    assert [name for _, name, _ in pages(story)] == ["near"]
    card = story.card()
    assert (card.state, card.pages[0].answered_at) == ("accepted", answered_at)
    (sent,) = story.table("SELECT state, answered_at FROM deliveries")
    assert sent == {"state": "answered", "answered_at": answered_at}
    assert [(one["actor"], one["at"]) for one in looks] == [("responder:near", answered_at)]
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []


def test_a_refusal_given_meanwhile_has_asked_the_next_once(story: Story, ledger: Ledger) -> None:
    event = story.event("sos.pressed")
    assert ledger.take(alarm_of(event), now=story.clock.now())
    send(ledger, story)
    story.clock.advance(2)
    assert ledger.answer(story.pagers.pages[0].page_id, Said("decline"), now=story.clock.now())
    send(ledger, story)
    (carried,) = ledger.to_settle()
    story.incident = bring_in(story, carried, event)
    ledger.settle(carried)
    found = [(name, state) for _, name, state in pages(story)]
    assert found == [("near", "declined"), ("far", "sent")]


def test_a_whole_job_without_a_database_stands_there_in_its_order(
    story: Story, ledger: Ledger, tmp_path: Path
) -> None:
    event = story.event("sos.pressed")
    assert ledger.take(alarm_of(event), now=story.clock.now())
    send(ledger, story)
    story.clock.advance(16)
    send(ledger, story)
    near, far = (page.page_id for page in story.pagers.pages)
    photo = Photo("evidence/responders/1/a.jpg", "a" * 64, 900)
    found = Found("helped", "she had fallen", (photo,))
    times = []
    for said in (Said("accept"), Said("depart"), Said("arrive"), Said("done", found=found)):
        story.clock.advance(10)
        times.append(story.clock.now())
        assert ledger.answer(far, said, now=story.clock.now())
        ledger.close()  # each is on disk before anybody is told of it
        ledger = Ledger(tmp_path / "lifeline", SETTINGS)
        send(ledger, story)
    words = [(page.page_id, page.message) for page in story.pagers.pages]
    assert words == [(near, "page"), (far, "page"), (near, "stand_down")]
    (carried,) = ledger.to_settle()
    for _ in range(2):  # the lane and the lifeline may both bring it in
        story.incident = bring_in(story, carried, event)
    ledger.settle(carried)
    story.dispatcher.deliver_due()
    assert len(story.pagers.pages) == 3, "who was told without a database is not told again"
    moves = story.table(
        "SELECT move, at FROM incident_log WHERE actor = 'responder:far' ORDER BY n"
    )
    names = ["accept", "depart", "arrive", "finding"]
    assert [(row["move"], row["at"]) for row in moves] == list(zip(names, times, strict=True))
    assert [(name, state) for _, name, state in pages(story)] == [
        ("near", "stood_down"),
        ("far", "done"),
    ]
    (kept,) = story.table(
        "SELECT finding, note, sha256, found_at FROM page_findings JOIN page_photos USING (page_id)"
    )
    assert kept == {
        "finding": "helped",
        "note": "she had fallen",
        "sha256": photo.sha256,
        "found_at": times[-1],
    }
    (word,) = story.table("SELECT page_id, state FROM deliveries WHERE message = 'stand_down'")
    assert word == {"page_id": near, "state": "sent"}
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []


def test_who_could_not_be_told_without_a_database_is_told_when_it_is_back(
    story: Story, ledger: Ledger
) -> None:
    event = story.event("sos.pressed")
    assert ledger.take(alarm_of(event), now=story.clock.now())
    send(ledger, story)
    story.clock.advance(16)
    send(ledger, story)
    near, far = (page.page_id for page in story.pagers.pages)
    assert ledger.answer(far, Said("accept"), now=story.clock.now())
    (word,) = ledger.due(story.clock.now())
    ledger.tried(word, Result("pager away", 2.0), now=story.clock.now())
    (carried,) = ledger.to_settle()
    story.incident = bring_in(story, carried, event)
    ledger.settle(carried)
    story.dispatcher.deliver_due()
    last = story.pagers.pages[-1]
    assert (last.page_id, last.message) == (near, "stand_down")
    assert last.idempotency_key == word.page.idempotency_key


def test_answers_to_pages_of_the_database_are_kept_and_count_in_their_order(
    story: Story, ledger: Ledger, tmp_path: Path
) -> None:
    story.happens("sos.pressed")
    story.accept("near")
    page_id = story.page_of("near")
    times = []
    for said in (Said("depart"), Said("arrive"), Said("done", found=Found("nobody"))):
        story.clock.advance(10)
        times.append(story.clock.now())
        assert ledger.answer(page_id, said, now=story.clock.now()) is None, "not carried here"
        ledger.keep(page_id, said, now=story.clock.now())
        ledger.keep(page_id, said, now=story.clock.now())
        ledger.close()
        ledger = Ledger(tmp_path / "lifeline", SETTINGS)
    story.clock.advance(60)
    assert not ledger.idle
    while kept := ledger.kept():
        for _ in range(2):  # a crash between the two may bring one in again
            with story.database.transaction() as conn:
                enter_answer(conn, kept[0], SETTINGS)
        ledger.enter(kept[0])
    assert ledger.idle
    moves = story.table(
        "SELECT move, at FROM incident_log WHERE actor = 'responder:near' AND move <> 'accept'"
        " ORDER BY n"
    )
    names = ["depart", "arrive", "finding"]
    assert [(row["move"], row["at"]) for row in moves] == list(zip(names, times, strict=True))
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []
        with pytest.raises(NotFound):
            enter_answer(conn, Kept(10**9, "accept", times[0]), SETTINGS)
