"""paho as this package uses it; the one file of the gateway that imports it.

Everything that is not paho's documented interface stands here, and tests/unit/gateway/
test_paho_seams.py fails when a release changes it:

- `Client._create_socket` makes the connected socket, which paho reads with `recv` and asks for
  `pending`: overridden, so that it reads in blocks;
- `Client._packet_queue` queues bytes to be written: called with many packets as one;
- `Client.reconnect` begins every connection, the first as well, and empties the queue of packets;
  `Client.loop_forever` is all that the network thread does: both are public, both overridden.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from gateway.block_socket import BlockSocket
from gateway.packets import PUBLISH, Publish, PublishDecoder

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

Info = paho.MQTTMessageInfo
Received = paho.MQTTMessage


class Client(paho.Client):
    """MQTT 3.1.1 with acknowledgements by hand.

    With `deliver`, messages of QoS 0 and 1 come there in batches; without, one by one to
    `on_message`, as paho ships it. `begin` is called before every attempt to connect, `bug` when
    the network thread fails for a reason that is no network's.
    """

    def __init__(
        self,
        client_id: str,
        *,
        clean_session: bool,
        max_payload_bytes: int,
        deliver: Callable[[list[Publish]], None] | None,
        begin: Callable[[], None],
        bug: Callable[[], None],
    ) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=clean_session,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        self._max_payload_bytes = max_payload_bytes
        self._deliver = deliver
        self._begin = begin
        self._bug = bug
        self._blobs: deque[tuple[Info, int]] = deque()
        self._waiting_bytes = 0

    def loop_forever(
        self, timeout: float = 1.0, retry_first_connection: bool = False
    ) -> MQTTErrorCode:
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception:
            self._bug()
            raise

    def reconnect(self) -> MQTTErrorCode:
        self._begin()  # before paho empties its queue: nothing may slip in ahead of CONNECT
        self._blobs.clear()
        self._waiting_bytes = 0
        return super().reconnect()

    def _create_socket(self) -> SocketLike:
        made = super()._create_socket()
        if self._deliver is None:
            return made
        if not isinstance(made, socket.socket):
            raise TypeError(f"paho made {type(made)}, not a socket")
        return BlockSocket(made, PublishDecoder(self._max_payload_bytes), self._deliver)

    def send_acknowledgements(self, blob: bytes) -> None:
        """Queue PUBACK packets; only for ids of the present connection."""
        self._packet_queue(paho.PUBACK, blob, 0, 0)

    def send_goodbye(self) -> None:
        """Queue DISCONNECT behind all that waits; paho, which does not know, connects again."""
        self._packet_queue(paho.PUBACK, b"\xe0\x00", 0, 0)

    def send_publishes(self, blobs: Sequence[bytes]) -> Info | None:
        """Queue PUBLISH packets of QoS 0; return what tells when the last of them has left."""
        info = None
        for blob in blobs:
            info = Info(0)
            self._blobs.append((info, len(blob)))
            self._waiting_bytes += len(blob)
            self._packet_queue(PUBLISH, blob, 0, 0, info)
        return info

    def waiting_bytes(self) -> int:
        """Return how many bytes of `send_publishes` have not left yet."""
        while self._blobs and self._blobs[0][0].is_published():
            self._waiting_bytes -= self._blobs.popleft()[1]
        return self._waiting_bytes

    def hang_up(self) -> None:
        """Close what the network thread left open when it ended in the middle of connecting."""
        sock = self.socket()
        if sock is not None:
            sock.close()
        self._reset_sockets()  # those by which threads wake the network thread, too

    def break_off(self) -> None:
        """End the connection without a good-bye, from any thread; `OSError` if it is gone."""
        sock = self.socket()
        if isinstance(sock, BlockSocket):
            sock = sock.plain
        if isinstance(sock, socket.socket):
            # not SSLSocket's own, which would have the rest read undecrypted
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def trust(client: Client, ca_file: str | None, *, pinned: bool) -> None:
    """Use TLS with the file's authorities, or the system's; `pinned`: that certificate only."""
    context = ssl.create_default_context(cafile=ca_file)
    if pinned:  # the file's certificate itself is the anchor, and no other is taken
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.tls_set_context(context)


def queue_is_full(info: Info) -> bool:
    """Tell whether paho refused a message because too many wait."""
    return info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE


def topic_of(got: Received) -> str:
    """Return the message's topic, with what is no UTF-8 in it replaced."""
    try:
        return got.topic
    except UnicodeDecodeError as error:
        return bytes(error.object).decode(errors="replace")
