"""Every channel keeps the port's promise: it returns when taken, else says whether to try again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from alerts.links import through
from alerts.paging.apprise_channel import AppriseChannel, text
from alerts.paging.device_channel import DeviceChannel
from alerts.paging.loopback import LoopbackChannel
from alerts.paging.webhook import WebhookChannel, encode
from alerts.responders import ADDRESSES
from core.errors import PermanentError, TemporaryError
from core.model import Page
from core.ports import Channel
from tests.conftest import ManualClock
from tests.contract.fake_commands import FakeCommands
from tests.integration.alerts.webhook_receiver import WebhookReceiver

# Apprise's mail plugin imports a module that Python 3.13 no longer has.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "a shared secret"
AT = datetime(2026, 11, 22, 3, 0, 0, 250_000, tzinfo=UTC)
PAGE = Page(
    page_id=7,
    idempotency_key="7-webhook-page",
    message="page",
    responder_id="crew-1",
    responder_name="김순찰",
    incident_id=3,
    kind="sos",
    priority=1,
    household_name="이영희 댁",
    address="종로 1",
    access_note="열쇠는 화분 아래",
    lat=37.5,
    lon=127.0,
    distance_m=812.5,
    opened_at=AT,
    answer_by=AT,
    page_url="https://door.example/page/7.x",
    accept_url="https://door.example/v1/pages/7.x/accept",
    decline_url="https://door.example/v1/pages/7.x/decline",
)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as made:
        yield made


@pytest.fixture
def webhook(clock: ManualClock) -> Iterator[WebhookChannel]:
    made = WebhookChannel(clock, timeout_s=2.0)
    yield made
    made.close()


@pytest.fixture(params=["webhook", "apprise", "loopback", "device"])
def reached(
    request: pytest.FixtureRequest, webhook: WebhookChannel, receiver: WebhookReceiver
) -> tuple[Channel, str]:
    """A channel and an address at which it reaches somebody."""
    return {
        "webhook": (webhook, receiver.url),
        "apprise": (AppriseChannel(), receiver.url.replace("http://", "json://")),
        "loopback": (LoopbackChannel(), ""),
        "device": (DeviceChannel(FakeCommands({"pager-1": lambda *_: (True, {})})), "pager-1"),
    }[request.param]


def test_it_returns_when_the_message_was_taken(reached: tuple[Channel, str]) -> None:
    channel, address = reached
    channel.send(PAGE, address, SECRET)


def test_it_bears_its_name(reached: tuple[Channel, str]) -> None:
    assert reached[0].name in {"loopback", *ADDRESSES}


@pytest.mark.parametrize("kind", ["webhook", "apprise"])
def test_nobody_listening_is_temporary(kind: str, webhook: WebhookChannel) -> None:
    channel: Channel = webhook if kind == "webhook" else AppriseChannel()
    scheme = "http" if kind == "webhook" else "json"
    with pytest.raises(TemporaryError):
        channel.send(PAGE, f"{scheme}://127.0.0.1:9/", SECRET)


@pytest.mark.parametrize(
    ("make", "address"),
    [
        (lambda webhook: webhook, "nonsense"),
        (lambda webhook: webhook, "ftp://127.0.0.1/"),
        (lambda webhook: webhook, "http://[::1"),
        (lambda _: AppriseChannel(), "nonsense"),
    ],
)
def test_an_address_that_is_none_is_permanent(
    make: Callable[[WebhookChannel], Channel], address: str, webhook: WebhookChannel
) -> None:
    with pytest.raises(PermanentError):
        make(webhook).send(PAGE, address, SECRET)


@pytest.mark.parametrize("status", [-1, 301, 408, 425, 429, 500, 503])
def test_a_webhook_that_may_recover(
    status: int, webhook: WebhookChannel, receiver: WebhookReceiver
) -> None:
    receiver.answers = [status]
    with pytest.raises(TemporaryError):
        webhook.send(PAGE, receiver.url, SECRET)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
def test_a_webhook_that_refuses(
    status: int, webhook: WebhookChannel, receiver: WebhookReceiver
) -> None:
    receiver.answers = [status]
    with pytest.raises(PermanentError, match=str(status)):
        webhook.send(PAGE, receiver.url, SECRET)


def test_the_webhook_as_the_receiver_sees_it(
    webhook: WebhookChannel, receiver: WebhookReceiver, clock: ManualClock
) -> None:
    webhook.send(PAGE, receiver.url, SECRET)
    request = receiver.wait(1)
    assert receiver.well_signed(request, SECRET)
    assert not receiver.well_signed(request, "another secret")
    assert request.headers["X-DoorGuard-Signature"].startswith(f"t={int(clock.now().timestamp())},")
    assert request.headers["Idempotency-Key"] == "7-webhook-page"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {
        "key": "7-webhook-page",
        "message": "page",
        "page_id": 7,
        "incident": {
            "id": 3,
            "kind": "sos",
            "priority": 1,
            "opened_at": "2026-11-22T03:00:00.250Z",
        },
        "household": {
            "name": "이영희 댁",
            "address": "종로 1",
            "access_note": "열쇠는 화분 아래",
            "lat": 37.5,
            "lon": 127.0,
        },
        "responder": {"id": "crew-1", "name": "김순찰"},
        "distance_m": 812.5,
        "answer_by": "2026-11-22T03:00:00.250Z",
        "page_url": "https://door.example/page/7.x.w",
        "accept_url": "https://door.example/v1/pages/7.x.w/accept",
        "decline_url": "https://door.example/v1/pages/7.x.w/decline",
    }


def test_apprise_carries_the_link_and_not_the_access_note(receiver: WebhookReceiver) -> None:
    AppriseChannel().send(PAGE, receiver.url.replace("http://", "json://"), SECRET)
    sent = json.loads(receiver.wait(1).body)
    assert (sent["title"], sent["message"]) == text(through(PAGE, "apprise"))
    assert f"{PAGE.page_url}.a" in sent["message"]
    assert PAGE.access_note not in sent["message"]
    assert "SOS" in sent["title"]


@pytest.mark.parametrize(
    ("replied", "error"),
    [
        (None, TemporaryError),
        ((False, {"reason": "busy"}), TemporaryError),
        ((False, {"reason": "unsupported"}), PermanentError),
    ],
)
def test_a_pager_that_does_not_ring(
    replied: tuple[bool, dict[str, str]] | None, error: type[Exception]
) -> None:
    commands = FakeCommands({"pager-1": lambda *_: replied})
    with pytest.raises(error):
        DeviceChannel(commands).send(PAGE, "pager-1", SECRET)


def test_a_pager_gets_what_a_webhook_gets_and_a_key() -> None:
    commands = FakeCommands({"pager-1": lambda *_: (True, {})})
    channel = DeviceChannel(commands)
    channel.send(PAGE, "pager-1", SECRET)
    channel.send(dataclasses.replace(PAGE, message="stand_down"), "pager-1", SECRET)
    (_, page, told), (_, stand_down, _) = commands.asked
    assert (page, stand_down) == ("page", "page.stand_down")
    assert told["key"] == PAGE.idempotency_key
    assert told == json.loads(encode(through(PAGE, "device")))
