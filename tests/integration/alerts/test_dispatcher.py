"""The dispatcher's own threads, a real webhook receiver, the machine's clock."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from alerts import incidents
from alerts.lifecycle import PageState
from alerts.links import read_token
from alerts.paging.delivery import LEASE_S, SEND_WITHIN_S, claim
from alerts.paging.dispatcher import Dispatcher, EscalationClock
from alerts.paging.loopback import LoopbackChannel
from alerts.paging.webhook import WebhookChannel
from core.clock import SystemClock
from core.database import Database
from core.model import Page
from tests.integration.alerts.story import SETTINGS, Story
from tests.integration.alerts.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.integration


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as made:
        yield made


@pytest.fixture
def live(database: Database) -> Iterator[Story]:
    """A story in real time whose threads send to real webhooks."""
    clock = SystemClock()
    story = Story(database, clock)  # type: ignore[arg-type]
    webhook = WebhookChannel(clock)
    bugs: list[BaseException] = []
    story.dispatcher = Dispatcher(
        database, clock, SETTINGS, [webhook, LoopbackChannel()], on_bug=bugs.append
    )
    story.escalation = EscalationClock(database, clock, SETTINGS, on_bug=bugs.append)
    story.dispatcher.start()
    story.escalation.start()
    yield story
    story.dispatcher.stop()
    story.escalation.stop()
    webhook.close()
    assert bugs == []


def _press(story: Story) -> int:
    with story.database.transaction() as conn:
        taken = incidents.on_event(
            conn, story.event("sos.pressed"), now=story.clock.now(), settings=SETTINGS
        )
    story.incident = taken or 0
    return story.incident


def test_a_press_reaches_the_webhook_and_the_close_stands_it_down(
    live: Story, receiver: WebhookReceiver
) -> None:
    live.responder("first", webhook_url=receiver.url)
    (secret,) = live.table("SELECT webhook_secret FROM responders")
    _press(live)
    request = receiver.wait(1)
    assert receiver.well_signed(request, secret["webhook_secret"])
    page = json.loads(request.body)
    token = page["page_url"].rsplit("/", 1)[1]
    assert read_token(SETTINGS.service_key, token) == page["page_id"]
    assert request.headers["Idempotency-Key"] == f"{page['page_id']}-webhook-page"
    _until(lambda: live.card().pages[0].state is PageState.SENT)
    with live.database.transaction() as conn:
        incidents.close(
            conn, live.incident, actor="operator-1", now=live.clock.now(), outcome="closed"
        )
    assert json.loads(receiver.wait(2).body)["message"] == "stand_down"


def test_a_receiver_that_recovers_is_tried_again(live: Story, receiver: WebhookReceiver) -> None:
    live.responder("first", webhook_url=receiver.url)
    receiver.answers = [503]
    _press(live)
    first, second = receiver.wait(1), receiver.wait(2)
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    _until(lambda: live.card().pages[0].state is PageState.SENT)
    figures = live.dispatcher.figures()
    assert (figures["sent"], figures["retried"], figures["failed"]) == (1, 1, 0)
    assert live.escalation.figures()["running"]


def test_slow_receivers_do_not_hold_up_a_life(database: Database, story: Story) -> None:
    """Every sender that lower alarms may use hangs; an SOS still goes out at once."""
    for n in range(10):
        story.responder(f"slow-{n}", km=n + 1)
        story.home(f"door-{n}")
    let_go, sos_sent, hung = threading.Event(), threading.Event(), threading.Semaphore(0)

    class Slow:
        name = "webhook"

        def send(self, page: Page, address: str, secret: str) -> None:
            if page.kind == "sos":
                sos_sent.set()
            else:
                hung.release()
                let_go.wait(30)

    dispatcher = Dispatcher(database, story.clock, SETTINGS, [Slow()])
    for n in range(10):
        event = story.event("tamper.opened", household_id=f"door-{n}")
        with database.transaction() as conn:
            story.incident = (
                incidents.on_event(conn, event, now=story.clock.now(), settings=SETTINGS) or 0
            )
            incidents.dispatch(
                conn,
                story.incident,
                actor="op",
                now=story.clock.now(),
                settings=SETTINGS,
                responder_id=f"slow-{n}",
            )
    dispatcher.start()
    try:
        for _ in range(6):
            assert hung.acquire(timeout=10)
        _press(story)
        assert sos_sent.wait(5)
        assert dispatcher.figures()["in_flight"] <= 7
    finally:
        let_go.set()
        dispatcher.stop()


def test_a_send_that_hangs_is_given_up_and_not_sent_twice_at_once(
    database: Database, story: Story
) -> None:
    story.responder("hangs", km=1)
    story.responder("well", km=2)
    story.home("home-2")
    let_go, hung, well = threading.Event(), threading.Semaphore(0), threading.Semaphore(0)

    class Trickling:
        name = "webhook"

        def send(self, page: Page, address: str, secret: str) -> None:
            if page.responder_id == "well":
                well.release()
            else:
                hung.release()
                let_go.wait(30)

    dispatcher = Dispatcher(database, story.clock, SETTINGS, [Trickling()], send_within_s=0.05)
    _press(story)
    dispatcher.start()
    try:
        assert hung.acquire(timeout=10)
        _until(lambda: story.card().pages[0].last_error == "no answer within 0.05 s")
        assert dispatcher.figures()["retried"] == 1
        _until(lambda: dispatcher.figures()["in_flight"] == 0)
        assert dispatcher.figures()["abandoned"] == 1
        story.clock.advance(60)  # due again, and still in flight
        story.escalation.tick()
        assert well.acquire(timeout=10)
        assert not hung.acquire(blocking=False)
        let_go.set()
        assert hung.acquire(timeout=10)
        _until(lambda: story.card().pages[0].sent_at is not None)
        assert dispatcher.figures()["abandoned"] == 0
    finally:
        let_go.set()
        dispatcher.stop()


def test_no_limit_holds_up_a_page_of_life_safety(database: Database, story: Story) -> None:
    """Where something hangs, only what is about a life is sent beside it: all of it."""
    story.responder("only")
    presses = 12

    def happens(number: int) -> None:
        story.home(f"door-{number}")
        kind = "sos.pressed" if number else "tamper.opened"
        event = story.event(kind, household_id=f"door-{number}")
        with database.transaction() as conn:
            taken = incidents.on_event(conn, event, now=story.clock.now(), settings=SETTINGS)
            if not number:
                incidents.dispatch(
                    conn, taken or 0, actor="op", now=story.clock.now(), settings=SETTINGS
                )

    def claimed(held: dict[int, str], limit: int = 100) -> list[tuple[int, str]]:
        with database.transaction() as conn:
            batch = claim(conn, now=story.clock.now(), settings=SETTINGS, limit=limit, held=held)
        return [(one.delivery_id, one.page.kind) for one in batch]

    happens(0)
    held = dict.fromkeys([delivery_id for delivery_id, _ in claimed({})], "only webhook")
    assert len(held) == 1, "a tamper is on its way, and hangs"
    for number in range(1, presses + 1):
        happens(number)
    first = claimed(held)
    assert [kind for _, kind in first] == ["sos"] * presses
    held |= dict.fromkeys([delivery_id for delivery_id, _ in first], "only webhook")
    story.clock.advance(LEASE_S)
    assert claimed(held) == [], "the leases are over, but all are still in flight here"
    assert SEND_WITHIN_S < LEASE_S
    sos_alone = {delivery_id: to for delivery_id, to in held.items() if delivery_id == first[0][0]}
    assert "tamper" not in [kind for _, kind in claimed(sos_alone)]


def test_stop_before_start_and_stop_twice(database: Database, story: Story) -> None:
    dispatcher = Dispatcher(database, story.clock, SETTINGS, [])
    dispatcher.stop()
    dispatcher.stop()
    assert not dispatcher.figures()["running"]


def _until(held: object) -> None:
    pause = threading.Event()
    for _ in range(250):
        if held():  # type: ignore[operator]
            return
        pause.wait(0.02)
    pytest.fail("it did not come to pass within 5 s")
