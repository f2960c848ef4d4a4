"""A connected socket as paho sees it: read in large blocks, PUBLISH packets taken out.

paho asks for one byte, another byte, then the rest of a packet, each a system call. Here it is
served from what one read brought, and never sees a QoS 0/1 PUBLISH: these go to `deliver`, one
batch a block. The order of the wire is kept also between messages and other packets.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Callable

from gateway.packets import Publish, PublishDecoder

BLOCK_BYTES = 65_536


class BlockSocket:
    """Non-blocking, like the socket under it. For the network thread alone.

    `pending` says that a read would find something without the network: paho then does not wait
    in select, so nothing that was read is ever left lying.
    """

    def __init__(
        self,
        sock: socket.socket,
        decoder: PublishDecoder,
        deliver: Callable[[list[Publish]], None],
    ) -> None:
        self._sock = sock
        self._decoder = decoder
        self._deliver = deliver
        self._read: deque[list[Publish] | bytes] = deque()
        self._at_end = False

    def recv(self, size: int) -> bytes:
        """Return bytes for paho, at most `size`, after delivering the messages before them.

        Raises what the socket raises, `BlockingIOError` when there was nothing but messages, and
        `ConnectionError` on bytes that are no MQTT.
        """
        if not self._read and self._decoder.malformed is not None:
            raise ConnectionError(self._decoder.malformed)
        if not self._read:
            block = self._block()
            if not block:
                return b""
            self._read.extend(self._decoder.feed(block))
        while self._read:
            piece = self._read.popleft()
            if isinstance(piece, bytes) and piece:
                if len(piece) > size:
                    self._read.appendleft(piece[size:])
                return piece[:size]
            if piece:
                self._deliver(piece)
        if self._decoder.malformed is not None:
            raise ConnectionError(self._decoder.malformed)
        raise BlockingIOError

    def _block(self) -> bytes:
        """Read once; over TLS, whose records are 16 KiB at most, until the block is full."""
        if self._at_end:
            return b""
        block = self._sock.recv(BLOCK_BYTES)
        if not block or not isinstance(self._sock, ssl.SSLSocket):
            return block
        blocks, missing = [block], BLOCK_BYTES - len(block)
        while missing > 0:
            try:
                block = self._sock.recv(missing)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except OSError:
                block = b""
            if not block:  # the end, or a broken connection: what came before is taken first
                self._at_end = True
                break
            blocks.append(block)
            missing -= len(block)
        return b"".join(blocks)

    def pending(self) -> int:
        inside = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0
        return inside + len(self._read) + self._at_end + (self._decoder.malformed is not None)

    def send(self, data: bytes | bytearray) -> int:
        return self._sock.send(data)

    def fileno(self) -> int:
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        self._sock.setblocking(flag)

    def close(self) -> None:
        self._sock.close()

    @property
    def plain(self) -> socket.socket:
        """The socket itself."""
        return self._sock
