"""A webhook receiver on a free port of this machine, as somebody else would write it."""

from __future__ import annotations

import hashlib
import hmac
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Request:
    headers: dict[str, str]
    body: bytes


class WebhookReceiver:
    """Keeps what arrives; answers with the next of `answers`, 204 when there is none.

    The answer -1 closes the connection without a word.
    """

    def __init__(self) -> None:
        self.answers: list[int] = []
        self._got: list[Request] = []
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                status = receiver.take(Request(dict(self.headers), self.rfile.read(length)))
                if status > 0:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/pager"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, request: Request) -> int:
        with self._changed:
            self._got.append(request)
            self._changed.notify_all()
            return self.answers.pop(0) if self.answers else 204

    def wait(self, nth: int, timeout_s: float = 10.0) -> Request:
        """Return the nth request (from 1), waiting for it."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._got) >= nth, timeout_s)
            return self._got[nth - 1]

    @staticmethod
    def well_signed(request: Request, secret: str) -> bool:
        fields = dict(
            part.split("=", 1) for part in request.headers["X-DoorGuard-Signature"].split(",")
        )
        signed = f"{fields['t']}.".encode() + request.body
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(digest, fields["v1"])
