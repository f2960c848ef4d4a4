from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from simulators.pager import Pager
from simulators.signature import HEADER, sign

pytestmark = pytest.mark.integration

SECRET = "a-shared-secret"


class Service:
    """Door Guard's side of the answer links; the first answer of each try list is an error."""

    def __init__(self):
        self.answers = []
        self.codes = [200]
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                service.answers.append(self.path)
                code = service.codes.pop(0) if len(service.codes) > 1 else service.codes[0]
                body = b'{"ok":true}'
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def service():
    service = Service()
    yield service
    service.close()


@pytest.fixture
def start_pager():
    pagers = []

    def start(**options):
        pager = Pager(SECRET, **({"answer_after_s": 0.0} | options))
        pager.start()
        pagers.append(pager)
        return pager

    yield start
    for pager in pagers:
        pager.stop()


def webhook(url, service, *, message="page", key="k1", secret=SECRET, age_s=0, raw=None):
    body = {
        "message": message,
        "page_id": 7,
        "incident": {
            "id": 3,
            "kind": "sos",
            "priority": 1,
            "opened_at": "2026-11-22T03:00:00Z",
        },
        "household": {
            "name": "Kim",
            "address": "12 Hill Road",
            "access_note": "key at the desk",
            "lat": 37.5,
            "lon": 127.0,
        },
        "responder": {"id": "r1", "name": "Lee"},
        "distance_m": 412.0,
        "answer_by": "2026-11-22T03:00:15Z",
        "page_url": f"{service.url}/p/7",
        "accept_url": f"{service.url}/p/7/accept",
        "decline_url": f"{service.url}/p/7/decline",
    }
    raw = json.dumps(body).encode() if raw is None else raw
    now = datetime.now(UTC) - timedelta(seconds=age_s)
    headers = {HEADER: sign(secret, raw, now)} | ({"Idempotency-Key": key} if key else {})
    return httpx.post(url, content=raw, headers=headers, trust_env=False)


def test_a_page_is_shown_and_accepted(service, start_pager, capsys):
    pager = start_pager()
    assert webhook(pager.url, service).status_code == 200
    page = pager.wait_page(lambda p: p.answered_at is not None, 10)
    assert page is not None
    assert (page.answer_status, page.body["page_id"]) == (200, 7)
    assert page.answered_at >= page.received_at
    assert service.answers == ["/p/7/accept"]
    assert "12 Hill Road" in capsys.readouterr().err


def test_declining_and_ignoring(service, start_pager):
    declining, ignoring = start_pager(answer="decline"), start_pager(answer="ignore")
    webhook(ignoring.url, service)
    webhook(declining.url, service)
    assert declining.wait_page(lambda p: p.answered_at is not None, 10)
    assert service.answers == ["/p/7/decline"]
    assert [page.answered_at for page in ignoring.pages] == [None]


def test_a_repeat_is_acknowledged_and_not_shown_twice(service, start_pager, capsys):
    pager = start_pager(answer="ignore")
    assert [webhook(pager.url, service).status_code for _ in range(3)] == [200, 200, 200]
    assert webhook(pager.url, service, key="k2").status_code == 200
    assert [page.repeats for page in pager.pages] == [2, 0]
    assert capsys.readouterr().err.count("PAGER PAGE") == 2


def test_a_stand_down_is_shown_and_not_answered(service, start_pager):
    pager = start_pager()
    assert webhook(pager.url, service, message="stand_down").status_code == 200
    assert [page.message for page in pager.pages] == ["stand_down"]
    pager.stop()
    assert service.answers == []


def test_an_answer_is_tried_again_and_a_conflict_is_an_answer(service, start_pager):
    service.codes = [503, 409]
    pager = start_pager()
    webhook(pager.url, service)
    page = pager.wait_page(lambda p: p.answered_at is not None, 10)
    assert page is not None
    assert page.answer_status == 409
    assert len(service.answers) == 2


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"secret": "another"}, 401),
        ({"age_s": 400}, 401),
        ({"key": ""}, 400),
        ({"raw": b"not json"}, 400),
        ({"raw": b'["a list"]'}, 400),
        ({"message": "greeting"}, 400),
        ({"raw": b"x" * 70_000}, 413),
    ],
)
def test_what_is_not_a_good_page_is_refused_and_not_shown(service, start_pager, fault, status):
    pager = start_pager()
    assert webhook(pager.url, service, **fault).status_code == status
    assert pager.pages == []
