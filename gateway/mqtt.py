"""The MQTT session of a process: the one file of the gateway that imports paho.

paho keeps the connection, the session, keep-alive and reconnection. Messages of QoS 1 are
acknowledged to the broker by hand, after commit. A token carries the number of the connection it
came on: after a reconnect the broker sends unacknowledged messages again under new packet ids, and
an old token must not confirm a stranger.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from core.errors import BrokerAway
from core.ports import Message
from core.settings import BrokerAddress
from core.telemetry import logger

KEEPALIVE_S = 15
_RECONNECT_MIN_S = 1
_RECONNECT_MAX_S = 5
_MAX_QUEUED = 10_000  # outgoing messages waiting while the broker is away
_BITS_OF_MID = 16
_LAST_WORDS_S = 2.0

_log = logger(__name__)


class Session:
    """One connection to the broker, reconnecting for ever.

    `durable` keeps the session at
    the broker while this process is away, so that QoS 1 messages wait for it.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str,
        username: str | None,
        password: str | None,
        ca_file: str | None = None,
        pinned: bool = False,
        durable: bool = False,
        subscriptions: Sequence[tuple[str, int]] = (),
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._subscriptions = list(subscriptions)
        self._on_message: Callable[[Message], None] | None = None
        self._connection = 0
        self._last: paho.MQTTMessageInfo | None = None
        self._ready = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=not durable,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        client = self._client
        client.max_queued_messages_set(_MAX_QUEUED)
        client.reconnect_delay_set(_RECONNECT_MIN_S, _RECONNECT_MAX_S)
        if username is not None:
            client.username_pw_set(username, password)
        if address.tls:
            context = ssl.create_default_context(cafile=ca_file)
            if pinned:  # the file's certificate itself is the anchor, and no other is taken
                context.check_hostname = False
                context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            client.tls_set_context(context)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._received

    def deliver_to(self, handler: Callable[[Message], None]) -> None:
        """Hand received messages to `handler`, on the network thread; set before `start`.

        It must only hand over. An error in it is a bug and ends the process, so that the
        supervisor starts a clean one.
        """
        self._on_message = handler

    def start(self) -> None:
        """Connect in the background."""
        self._client.connect_async(self._address.host, self._address.port, KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Send what waits (2 s at most), say good-bye and end the network thread."""
        with suppress(RuntimeError, ValueError):  # not connected, or nothing was ever published
            if self._last is not None:
                self._last.wait_for_publish(_LAST_WORDS_S)
        self._client.disconnect()
        self._client.loop_stop()

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until connected and subscribed; return whether it is so."""
        return self._ready.wait(timeout_s)

    @property
    def connected(self) -> bool:
        """Whether the session stands and every subscription was granted."""
        return self._ready.is_set()

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Queue a message; raise `BrokerAway` when too many already wait."""
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            raise BrokerAway(f"{_MAX_QUEUED} messages wait for the broker", delay_s=2.0)
        if qos:
            self._last = info

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Confirm QoS 1 messages of the present connection; older ones come again anyway.

        Nothing is sent unless the session stands: an acknowledgement queued between two
        connections would go out before CONNECT, or confirm a packet id given anew.
        """
        if not self._ready.is_set():
            return
        for message in messages:
            if message.token is not None and message.token >> _BITS_OF_MID == self._connection:
                self._client.ack(message.token & ((1 << _BITS_OF_MID) - 1), 1)

    def _connected(
        self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            _log.error("broker refused the session", client=self._client_id, reason=str(reason))
            return
        self._connection += 1
        _log.info("connected to the broker", client=self._client_id)
        if self._subscriptions:
            client.subscribe(self._subscriptions)
        else:
            self._ready.set()

    def _subscribed(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: Any, _properties: Any
    ) -> None:
        refused = [
            topic
            for (topic, _), reason in zip(self._subscriptions, reasons, strict=False)
            if reason.is_failure
        ]
        if refused:
            _log.error("broker refused subscriptions", client=self._client_id, topics=refused)
            self._drop()  # a session that hears nothing must not look alive; the next one asks anew
        else:
            self._ready.set()

    def _drop(self) -> None:
        """Break the connection without a good-bye, so that it is made again."""
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            sock.shutdown(socket.SHUT_RDWR)

    def _disconnected(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._ready.clear()
        self._connection += 1
        if reason.is_failure:
            _log.warning("lost the broker", client=self._client_id, reason=str(reason))

    def _received(self, _client: paho.Client, _data: Any, got: paho.MQTTMessage) -> None:
        token = self._connection << _BITS_OF_MID | got.mid if got.qos else None
        if self._on_message is None:
            return
        try:
            self._on_message(Message(got.topic, bytes(got.payload), token, bool(got.retain)))
        except Exception:  # noqa: BLE001 - nothing is swallowed: the process ends
            _log.exception("bug in a message handler; this process ends", topic=got.topic)
            os._exit(70)  # EX_SOFTWARE
