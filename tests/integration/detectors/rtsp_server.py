"""A camera that speaks RTSP: JPEG over RTP (RFC 2435), interleaved in the one TCP connection."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import cv2
import numpy as np

QUALITY = 80
_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=door\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 26\r\na=control:trackID=0\r\n"
)
_PART = 1200  # bytes of a picture in one packet
_CLOCK_HZ = 90_000


@contextmanager
def serving(pictures: Sequence[np.ndarray], fps: float, stamped_fps: float) -> Iterator[str]:
    """Give the address of a camera that sends the pictures once and then falls silent. It sends
    `fps` a second, and its clock says that they were taken at `stamped_fps`.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stop = threading.Event()
        thread = threading.Thread(
            target=_serve, args=(listening, pictures, (fps, stamped_fps), stop)
        )
        thread.start()
        try:
            yield f"rtsp://door:secret@127.0.0.1:{listening.getsockname()[1]}/door"
        finally:
            stop.set()
            thread.join()


def _serve(
    listening: socket.socket,
    pictures: Sequence[np.ndarray],
    fps: tuple[float, float],
    stop: threading.Event,
) -> None:
    listening.settimeout(0.1)
    while not stop.is_set():
        with suppress(TimeoutError, OSError):
            caller, _ = listening.accept()
            with caller:
                _talk(caller, pictures, fps, stop)


def _talk(
    caller: socket.socket,
    pictures: Sequence[np.ndarray],
    fps: tuple[float, float],
    stop: threading.Event,
) -> None:
    caller.settimeout(5.0)
    heard = b""
    while not stop.is_set():
        while b"\r\n\r\n" not in heard:
            more = caller.recv(4096)
            if not more:
                return
            heard += more
        request, _, heard = heard.partition(b"\r\n\r\n")
        method, *_ = request.decode().split(" ", 1)
        number = next(
            line.partition(":")[2].strip()
            for line in request.decode().split("\r\n")
            if line.lower().startswith("cseq")
        )
        head, body = "", ""
        if method == "OPTIONS":
            head = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            head, body = "Content-Type: application/sdp\r\n", _SDP
        elif method == "SETUP":
            head = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        elif method == "PLAY":
            head = "Session: 1\r\n"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        caller.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{head}{length}\r\n{body}".encode())
        if method == "PLAY":
            _play(caller, pictures, fps, stop)
            return


def _play(
    caller: socket.socket,
    pictures: Sequence[np.ndarray],
    fps: tuple[float, float],
    stop: threading.Event,
) -> None:
    sequence = 0
    for number, picture in enumerate(pictures):
        if stop.wait(1 / fps[0]):
            return
        for last, payload in _payloads(picture):
            stamp = int(number * _CLOCK_HZ / fps[1])
            rtp = struct.pack(">BBHII", 0x80, 26 | (0x80 if last else 0), sequence, stamp, 7)
            packet = rtp + payload
            caller.sendall(struct.pack(">BBH", 0x24, 0, len(packet)) + packet)
            sequence = (sequence + 1) & 0xFFFF
    stop.wait()  # connected, and silent


def _payloads(picture: np.ndarray) -> Iterator[tuple[bool, bytes]]:
    """Cut a picture as RFC 2435 wants it: no headers but type, quality and size."""
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    start = jpeg.index(b"\xff\xda")
    scan = jpeg[start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big") : -2]
    high, wide = picture.shape[:2]
    for at in range(0, len(scan), _PART):
        head = struct.pack(">I", at) + bytes((1, QUALITY, wide // 8, high // 8))
        yield at + _PART >= len(scan), head + scan[at : at + _PART]
