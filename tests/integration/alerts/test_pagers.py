"""A pager on a real broker: rung, confirmed, answered, told; nobody answers for another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts.lifecycle import State
from alerts.paging.answers import PagerAnswer, take_answer
from alerts.paging.device_channel import DeviceChannel
from alerts.paging.dispatcher import Dispatcher
from app.processes.pagers import Pagers
from core.clock import SystemClock
from core.database import Database
from core.errors import Refused
from core.topics import device_root
from simulators.connection import Address, Credentials
from simulators.responder_pager import ResponderPager, Rung
from tests.conftest import ManualClock
from tests.contract.brokers import DEVICE, PASSWORD, nats
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


class Time(ManualClock):
    """Wall time by hand; monotonic time runs, since sessions wait with it."""

    def monotonic_s(self) -> float:
        return SystemClock().monotonic_s()


class Bench:
    """A story whose responder `crew` carries a pager, beside a webhook."""

    def __init__(self, database: Database, port: int) -> None:
        self.clock = Time()
        self.story = Story(database, self.clock)
        url = f"mqtt://svc-pagers:{PASSWORD}@127.0.0.1:{port}"
        settings = SETTINGS.model_copy(update={"broker": url})
        self.pagers = Pagers(settings, database, self.clock)
        channel = DeviceChannel(self.pagers.commands, within_s=3.0)
        self.story.dispatcher = Dispatcher(
            database, self.clock, settings, [channel, self.story.pagers]
        )
        root = device_root(DEVICE)
        where = (Address("127.0.0.1", port),)
        self.device = ResponderPager(Credentials(DEVICE, DEVICE, PASSWORD, where, root), self.clock)
        self.story.responder("crew", km=1)
        self.story.responder("other", km=9)
        self.story.table(
            "INSERT INTO devices (device_id, kind) VALUES (%s, 'pager') RETURNING 1", DEVICE
        )
        self.story.table(
            "UPDATE responders SET device_id = %s WHERE responder_id = 'crew' RETURNING 1", DEVICE
        )

    def close(self) -> None:
        self.device.stop()
        self.pagers.stop()

    def start(self, *, listening: bool = True) -> None:
        self.pagers.start()
        soon(lambda: self.pagers.connected)
        if listening:
            self.device.start()
            assert self.device.wait_online(10)

    def delivery(self, channel: str = "device") -> dict[str, Any]:
        (row,) = self.story.table(
            "SELECT d.state, d.attempts, d.delivered_at, d.answered_at, d.last_error"
            " FROM deliveries d JOIN pages p USING (page_id)"
            " WHERE p.responder_id = 'crew' AND d.channel = %s AND d.message = 'page'",
            channel,
        )
        return row


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Iterator[Bench]:
    with nats(tmp_path) as port, closing(Bench(database, port)) as made:
        yield made


def rung(page: Rung | None) -> Rung:
    assert page is not None
    return page


def soon(what: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 15
    while not what():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_a_page_is_rung_confirmed_answered_and_told(bench: Bench) -> None:
    bench.start()
    bench.story.happens("sos.pressed")
    page = rung(bench.device.wait(lambda _page: True, 10))
    assert page.body["incident"]["priority"] == 1
    assert page.body["household"]["access_note"] == "key under the pot"
    assert bench.delivery()["state"] == "delivered"
    assert bench.delivery()["delivered_at"] == bench.clock.now()
    assert bench.delivery("webhook")["state"] == "sent"
    for answer, state in [
        ("accept", State.ACCEPTED),
        ("departed", State.EN_ROUTE),
        ("arrived", State.ARRIVED),
    ]:
        bench.device.answer(page.page_id, answer)
        assert bench.device.wait(lambda one, answer=answer: answer in one.states, 10)
        assert bench.story.card().state is state
    assert bench.delivery()["state"] == "answered"
    assert page.states["arrived"] == "arrived"


def test_a_repeat_is_rung_once_and_a_stand_down_is_heard(bench: Bench) -> None:
    bench.start()
    bench.story.happens("sos.pressed")
    page = rung(bench.device.wait(lambda _page: True, 10))
    bench.story.table("UPDATE deliveries SET state = 'queued' WHERE channel = 'device' RETURNING 1")
    bench.clock.advance(20)
    bench.story.dispatcher.deliver_due()
    assert bench.device.wait(lambda one: one.repeats == 1, 10)
    bench.story.close()
    assert bench.device.wait(lambda one: one.stood_down, 10)
    assert [one.page_id for one in bench.device.pages] == [page.page_id]
    bench.device.answer(page.page_id, "accept")
    assert bench.device.wait(lambda one: "accept" in one.states, 10)
    assert page.states["accept"] == "over"


def test_a_silent_pager_is_tried_again_and_the_webhook_went_out_all_the_same(bench: Bench) -> None:
    bench.start(listening=False)
    bench.story.happens("sos.pressed")
    assert bench.delivery()["state"] == "queued"
    assert bench.delivery()["last_error"].startswith("the pager: no reply")
    assert bench.story.paged() == [(0.0, "crew")]
    assert bench.story.card().pages[0].state == "sent"


def test_an_answer_for_somebody_elses_page_is_refused_and_logged(bench: Bench) -> None:
    bench.start()
    bench.story.table("UPDATE responders SET lat = lat + 1 WHERE responder_id = 'crew' RETURNING 1")
    bench.story.happens("sos.pressed")
    other = bench.story.page_of("other")
    bench.device.answer(other, "accept")
    soon(lambda: bool(bench.story.table("SELECT 1 FROM access_log WHERE action = 'page.refused'")))
    (line,) = bench.story.table(
        "SELECT actor, detail FROM access_log WHERE action = 'page.refused'"
    )
    assert (line["actor"], line["detail"]["page_id"]) == (f"device:{DEVICE}", other)
    assert bench.story.states() == {"other": "sent"}
    with bench.story.database.transaction() as conn, pytest.raises(Refused):
        take_answer(
            conn,
            DEVICE,
            PagerAnswer(10**9, "accept"),
            now=bench.clock.now(),
            settings=SETTINGS,
        )


def test_below_life_safety_the_channels_take_turns(bench: Bench) -> None:
    bench.start()
    bench.story.loiterer()
    bench.story.wait(16)
    assert rung(bench.device.wait(lambda _page: True, 10)).body["incident"]["priority"] == 2
    assert bench.delivery()["state"] == "delivered"
    began = bench.story.card().pages[0].planned_at
    queued = bench.story.table(
        "SELECT d.channel, d.next_attempt_at - %s AS after FROM deliveries d JOIN pages p"
        " USING (page_id) WHERE p.responder_id = 'crew' AND d.channel = 'webhook'",
        began,
    )
    assert [row["after"].total_seconds() for row in queued] == [5.0]
    bench.story.wait(5)
    assert bench.delivery("webhook")["state"] == "sent"
