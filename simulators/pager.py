"""A responder's pager: receives Door Guard's signed webhook, shows the page, answers it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import httpx

from core.clock import Clock, SystemClock
from simulators import signature

Answer = Literal["accept", "decline", "ignore"]
_MAX_BODY_BYTES = 64 * 1024
_ANSWER_TRIES = 5
_ANSWER_AGAIN_S = 1.0
_READ_TIMEOUT_S = 10.0


@dataclass(slots=True)
class ReceivedPage:
    """One page as it arrived. `received_at` and `answered_at` are monotonic seconds.

    `answer_status` is the HTTP status of our answer: 200 taken, 409 somebody was first.
    """

    received_at: float
    key: str
    body: dict[str, Any]
    repeats: int = 0
    answered_at: float | None = None
    answer_status: int | None = None
    answer_error: str = ""

    @property
    def message(self) -> str:
        return str(self.body["message"])


def show(page: ReceivedPage) -> None:
    """Print the page on standard error, as a pager's display would."""
    body = page.body
    incident, home = body["incident"], body["household"]
    print(
        f"PAGER {page.message.upper()} #{body['page_id']} for {body['responder']['name']}: "
        f"P{incident['priority']} {incident['kind']} at {home['name']}, {home['address']} "
        f"({body['distance_m']:.0f} m){' - ' + home['access_note'] if home['access_note'] else ''}",
        file=sys.stderr,
    )


class Pager:
    """A pager on 127.0.0.1 and a free port; `url` is where to send webhooks.

    A "page" is answered after `answer_after_s` by a POST to its accept or decline URL, unless
    `answer` is "ignore"; a "stand_down" is only shown. A repeat with a known idempotency key is
    acknowledged and not shown again.
    """

    def __init__(
        self,
        secret: str,
        answer: Answer = "accept",
        answer_after_s: float = 1.0,
        *,
        clock: Clock | None = None,
        on_page: Callable[[ReceivedPage], None] = show,
    ) -> None:
        self.answer = answer
        self.refused = 0
        self.secret = secret
        self._answer_after_s = answer_after_s
        self._clock: Clock = clock or SystemClock()
        self._on_page = on_page
        self._pages: dict[str, ReceivedPage] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._answering: list[threading.Thread] = []
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="pager", daemon=True
        )

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/page"

    @property
    def pages(self) -> list[ReceivedPage]:
        """Everything shown so far, in order of arrival."""
        with self._changed:
            return list(self._pages.values())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        for thread in self._answering:
            thread.join()

    def wait_page(
        self, predicate: Callable[[ReceivedPage], bool], timeout_s: float
    ) -> ReceivedPage | None:
        """Return the first page of which `predicate` holds, None if none came in time.

        Looks again at each arrival and at each answer.
        """

        def found() -> ReceivedPage | None:
            return next((page for page in self._pages.values() if predicate(page)), None)

        with self._changed:
            return self._changed.wait_for(found, timeout_s)

    def take(self, key: str | None, signed: str | None, raw: bytes) -> tuple[int, str]:
        """Judge one webhook; return the HTTP status and what to say."""
        wrong = self._wrong(key, signed, raw)
        if wrong is not None:
            self.refused += 1
            return 401, wrong
        if not key:
            return 400, "no Idempotency-Key"
        try:
            body = json.loads(raw)
            page = ReceivedPage(self._clock.monotonic_s(), key, body)
            known = page.message in ("page", "stand_down", "update", "notice")
        except (ValueError, KeyError, TypeError) as error:
            return 400, f"not a page: {error!r}"
        if not known:
            return 400, f"unknown message {page.message!r}"
        with self._changed:
            if key in self._pages:
                self._pages[key].repeats += 1
                return 200, "already shown"
            self._pages[key] = page
            self._changed.notify_all()
        self._on_page(page)
        if page.message == "page" and self.answer != "ignore":
            url = str(body[f"{self.answer}_url"])
            thread = threading.Thread(target=self._reply, args=(page, url), name="pager-answer")
            self._answering.append(thread)
            thread.start()
        return 200, "shown"

    def _wrong(self, key: str | None, signed: str | None, raw: bytes) -> str | None:
        """Return why this was not sent to us just now, None when it was."""
        wrong = signature.fault(self.secret, raw, signed, self._clock.now())
        if wrong is None and key and signature.signed_key(raw) not in (None, key):
            return "the Idempotency-Key is not the one that was signed"
        return wrong

    def _reply(self, page: ReceivedPage, url: str) -> None:
        wait_s = self._answer_after_s
        for _ in range(_ANSWER_TRIES):
            if self._stopping.wait(wait_s):
                return
            wait_s = _ANSWER_AGAIN_S
            try:
                response = httpx.post(
                    url,
                    headers={"Idempotency-Key": f"{page.key}-{self.answer}"},
                    timeout=_READ_TIMEOUT_S,
                    trust_env=False,
                )
            except httpx.HTTPError as error:
                page.answer_error = str(error)
                continue
            page.answer_status = response.status_code
            if response.status_code in (200, 409):
                page.answered_at = self._clock.monotonic_s()
                page.answer_error = ""
                break
            page.answer_error = response.text[:300]
        with self._changed:
            self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, pager: Pager) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pager = pager

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is ordinary; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _READ_TIMEOUT_S
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _MAX_BODY_BYTES:
            self.close_connection = True
            self._say(413, f"a page has a Content-Length of at most {_MAX_BODY_BYTES}")
            return
        raw = self.rfile.read(int(length))
        status, text = self.server.pager.take(
            self.headers.get("Idempotency-Key"), self.headers.get(signature.HEADER), raw
        )
        self._say(status, text)

    def _say(self, status: int, text: str) -> None:
        body = json.dumps({"ok": status == 200, "detail": text}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The page itself is shown; the access line says nothing more."""
