"""A page on this machine alone that shows pictures as they come (MJPEG)."""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_HOST = "127.0.0.1"
_EDGE = "picture"
_WAIT_S = 5.0
_PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Door Guard: watch</title>
<style>body{margin:0;background:#18191b;color:#eee;font:16px system-ui,sans-serif}
img{display:block;max-width:100%;max-height:100vh;margin:auto}</style>
<img src="/stream" alt="What the detector sees"></html>"""


class Page:
    """Serves the newest picture to every browser that looks; `show` never waits for one.

    Port 0 takes a free one; `address` has the one taken.
    """

    def __init__(self, port: int = 0) -> None:
        self._changed = threading.Condition()
        self._jpeg = b""
        self._number = 0
        self._over = False
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/stream":
                    page._stream(self)
                elif self.path == "/":
                    _answer(self, "text/html; charset=utf-8", _PAGE)
                else:
                    self.send_error(HTTPStatus.NOT_FOUND)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((_HOST, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="page", daemon=True)

    @property
    def address(self) -> str:
        return f"http://{_HOST}:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def show(self, jpeg: bytes) -> None:
        """Make this the newest picture."""
        with self._changed:
            self._jpeg = jpeg
            self._number += 1
            self._changed.notify_all()

    def _stream(self, to: BaseHTTPRequestHandler) -> None:
        to.send_response(HTTPStatus.OK)
        to.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_EDGE}")
        to.send_header("Cache-Control", "no-store")
        to.end_headers()
        sent = 0
        try:
            while (news := self._newer(sent)) is not None:
                jpeg, sent = news
                head = f"--{_EDGE}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                to.wfile.write(head.encode() + b"\r\n\r\n" + jpeg + b"\r\n")
        except OSError:
            return  # the browser was closed

    def _newer(self, sent: int) -> tuple[bytes, int] | None:
        """Wait for a picture newer than `sent`; None when it is over."""
        with self._changed:
            while not self._over:
                if self._number > sent:
                    return self._jpeg, self._number
                self._changed.wait(_WAIT_S)
        return None


def _answer(to: BaseHTTPRequestHandler, kind: str, body: bytes) -> None:
    to.send_response(HTTPStatus.OK)
    to.send_header("Content-Type", kind)
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)
