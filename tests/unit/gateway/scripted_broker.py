"""A listener that says what a test tells it to, packet by packet."""

from __future__ import annotations

import queue
import socket
import threading

CONNECT, PUBLISH, PUBACK, SUBSCRIBE = 0x10, 0x30, 0x40, 0x80
PINGREQ, DISCONNECT = 0xC0, 0xE0


def encode_length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | (128 if size else 0))
        if not size:
            return bytes(out)


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + encode_length(len(body)) + body


def publish(
    topic: bytes,
    payload: bytes,
    *,
    packet_id: int | None = None,
    dup: bool = False,
    retain: bool = False,
    qos: int = 1,
) -> bytes:
    """Return a PUBLISH packet; without a packet id, of QoS 0."""
    if packet_id is None:
        qos = 0
    identity = b"" if packet_id is None else packet_id.to_bytes(2)
    body = len(topic).to_bytes(2) + topic + identity + payload
    return packet(0x30 | 8 * dup | 2 * qos | retain, body)


class Connection:
    """The broker's side of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.settimeout(10)
        self._stream = sock.makefile("rb")

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def next(self) -> tuple[int, bytes]:
        """Return the next packet's type and body; `EOFError` when the client left."""
        first = self._stream.read(1)
        if not first:
            raise EOFError
        size = shift = 0
        while True:
            digit = self._stream.read(1)[0]
            size |= (digit & 127) << shift
            shift += 7
            if digit < 128:
                return first[0] & 0xF0, self._stream.read(size)

    def rest(self) -> list[tuple[int, bytes]]:
        """Return everything until the client leaves."""
        found = []
        while True:
            try:
                found.append(self.next())
            except EOFError:
                return found

    def close(self) -> None:
        self._stream.close()
        self._sock.close()


class ScriptedBroker:
    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._accepted: queue.Queue[Connection] = queue.Queue()
        self._all: list[Connection] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection = Connection(sock)
            self._all.append(connection)
            self._accepted.put(connection)

    def accept(self, within_s: float) -> Connection:
        return self._accepted.get(timeout=within_s)

    def close(self) -> None:
        if self._listener.fileno() == -1:
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._all:
            connection.close()
