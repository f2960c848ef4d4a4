"""Who may not, or comes too late, or sends again what was recorded: told clearly, and logged."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from alerts import audit
from alerts.lifecycle import State
from alerts.links import page_token
from alerts.paging.webhook import WebhookChannel, encode, signature
from core.errors import PermanentError
from simulators.pager import Pager
from tests.conftest import ManualClock
from tests.integration.alerts.story import SETTINGS
from tests.integration.http.conftest import Site

pytestmark = pytest.mark.integration


def link(site: Site, who: str) -> str:
    return page_token(SETTINGS.service_key, site.story.page_of(who))


def at_once(*calls: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Let them press in the same moment; answers in order of their status."""
    ready = threading.Barrier(len(calls))

    def press(call: Callable[[], httpx.Response]) -> httpx.Response:
        ready.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(press, calls), key=lambda answer: answer.status_code)


@pytest.fixture
def paged(site: Site) -> Site:
    """An SOS; two responders are being asked."""
    site.story.responder("first", km=1)
    site.story.responder("second", km=2)
    site.story.press()
    site.story.wait(15)
    return site


@pytest.mark.parametrize("button", ["acknowledge", "reopen"])
def test_two_operators_press_the_same_button_at_once(paged: Site, button: str) -> None:
    for who in ("kim", "lee"):
        paged.staff(who)
    path = f"/v1/incidents/{paged.story.incident}"
    if button == "reopen":
        paged.story.close()
    body = {"why": "a second look"} if button == "reopen" else None

    def press(who: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {paged.tokens[who]}"}
        url = f"{paged.url}{path}/{button}"
        return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=30)

    won, lost = at_once(lambda: press("kim"), lambda: press("lee"))
    assert (won.status_code, lost.status_code) == (200, 409)
    winner = won.json()["acknowledged_by"]
    if button == "acknowledge":
        assert f"{winner} acknowledged incident" in lost.json()["detail"]
    assert paged.story.moves().count(button) == 1
    assert paged.story.log_replays()


def test_two_responders_accept_at_once(paged: Site) -> None:
    links = [link(paged, who) for who in ("first", "second")]
    one, other = (f"/v1/pages/{token}/accept" for token in links)
    won, lost = at_once(lambda: paged.post(one), lambda: paged.post(other))
    assert (won.status_code, lost.status_code) == (200, 409)
    assert lost.json()["detail"] in {"First accepted first", "Second accepted first"}
    assert sorted(paged.story.states().values()) == ["accepted", "stood_down"]


def test_a_responder_does_not_open_the_page_of_another(paged: Site) -> None:
    mine, other = link(paged, "first"), paged.story.page_of("second")
    forged = f"{other}.{mine.partition('.')[2]}"
    seen = paged.get(f"/page/{forged}")
    assert seen.status_code == 404
    assert "This link is not valid." in seen.text
    assert "Jongno 1" not in seen.text
    answer = paged.post(f"/v1/pages/{forged}/accept")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "this link is damaged or not one of ours"
    assert paged.story.states() == {"first": "unanswered", "second": "sent"}
    why = {"page_id": other, "why": "this link is damaged or not one of ours"}
    line = {"actor": "link", "household_id": "home-1", "detail": why}
    assert paged.refusals() == [line, line]


@pytest.mark.parametrize("token", ["1", "1.x", "99999.AAAAAAAAAAAAAAAAAAAAAA", "..", "%00.", "é.a"])
def test_a_forged_link_is_refused_and_does_not_fill_the_log(paged: Site, token: str) -> None:
    for _ in range(20):
        assert paged.post(f"/v1/pages/{token}/accept").status_code in (404, 405)
        assert paged.get(f"/page/{token}").status_code == 404
    assert len(paged.refusals()) <= 5
    assert paged.story.card().state is State.DISPATCHED
    with paged.story.database.transaction() as conn:
        assert audit.verify(conn) == []


def test_a_link_expires_a_day_after_the_end(paged: Site) -> None:
    token = link(paged, "first")
    paged.story.accept("first")
    paged.story.close()
    over = paged.get(f"/page/{token}")
    assert over.status_code == 200
    assert "Jongno 1" not in over.text
    refused = paged.post(f"/v1/pages/{token}/accept")
    assert refused.status_code == 409
    assert "is over: closed by operator-1" in refused.json()["detail"]
    paged.story.skip(hours=25)
    gone = paged.get(f"/page/{token}")
    assert gone.status_code == 403
    assert "This link has expired" in gone.text
    answer = paged.post(f"/v1/pages/{token}/arrived")
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith(
        "this link has expired: the incident was over at 2026"
    )
    assert len(paged.refusals()) == 2


def answers(site: Site, who: str, what: str, key: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return site.post(f"/v1/pages/{link(site, who)}/{what}", **headers)


def test_a_recorded_acceptance_cannot_be_played_again(paged: Site) -> None:
    assert answers(paged, "first", "accept", "key-00001").status_code == 200
    assert answers(paged, "first", "accept", "key-00001").status_code == 200  # a repeat
    assert answers(paged, "first", "decline", "key-00002").status_code == 200
    for key in ("key-00001", ""):  # who took it back does not go because of a recording
        replayed = answers(paged, "first", "accept", key)
        assert replayed.status_code == 409
        assert "and otherwise since" in replayed.json()["detail"]
    assert paged.story.moves().count("accept") == 1
    assert answers(paged, "first", "accept", "key-00003").status_code == 200


def test_a_recorded_refusal_cannot_be_played_again(paged: Site) -> None:
    assert answers(paged, "second", "decline", "key-00001").status_code == 200
    assert answers(paged, "second", "accept", "key-00002").status_code == 200
    for key in ("key-00001", ""):
        assert answers(paged, "second", "decline", key).status_code == 409
    assert paged.story.states()["second"] == "accepted"
    assert answers(paged, "second", "decline", "key-00003").status_code == 200  # they mean it


def test_without_keys_each_answer_counts_once(paged: Site) -> None:
    assert answers(paged, "first", "decline").status_code == 200
    assert answers(paged, "first", "accept").status_code == 200
    assert answers(paged, "first", "decline").status_code == 409
    assert answers(paged, "first", "decline", "no").status_code == 422  # no key


def test_the_page_in_a_browser_carries_a_new_key_each_time(paged: Site) -> None:
    path = f"/page/{link(paged, 'first')}"
    one, other = paged.get(path).text, paged.get(path).text
    assert "/accept?key=" in one
    assert one != other


@pytest.fixture
def pager(clock: ManualClock) -> Iterator[Pager]:
    made = Pager("a-shared-secret", answer="ignore", clock=clock, on_page=lambda _page: None)
    made.start()
    yield made
    made.stop()


def test_a_replayed_webhook_is_refused_by_its_receiver(
    paged: Site, pager: Pager, clock: ManualClock
) -> None:
    page = paged.story.pagers.pages[0]
    channel = WebhookChannel(clock)
    channel.send(page, pager.url, "a-shared-secret")
    body, signed = encode(page), signature("a-shared-secret", encode(page), clock.now())

    def replay(body: bytes, key: str) -> httpx.Response:
        headers = {"X-DoorGuard-Signature": signed, "Idempotency-Key": key}
        return httpx.post(pager.url, content=body, headers=headers, trust_env=False)

    assert replay(body, page.idempotency_key).json()["detail"] == "already shown"
    assert replay(body, "another-key").status_code == 401
    moved = body.replace(b"Jongno 1", b"Jongno 9")
    assert replay(moved, page.idempotency_key).json()["detail"] == "wrong signature"
    assert len(pager.pages) == 1
    clock.advance(301)
    late = replay(body, page.idempotency_key)
    assert (late.status_code, late.json()["detail"]) == (401, "signature too old")
    with pytest.raises(PermanentError, match="401"):
        channel.send(page, pager.url, "another secret")
    assert json.loads(body)["key"] == page.idempotency_key
    channel.close()
