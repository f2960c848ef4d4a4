"""One device's MQTT session: credentials, last will, retained status, reconnecting by itself.

The session owns no thread. Whoever drives it (`simulators.loop`) attaches a selector, calls
`service` when the socket is ready, `misc` every few seconds and `connect` when it `wants_connect`.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from core import wire
from core.errors import ConfigurationError
from core.topics import DEVICE_SUBSCRIBES, Kind
from simulators.addresses import Address, Rota

KEEPALIVE_S = 20  # the broker gives up after 1.5 of it: inside EN 50136's 90 s for a lost path
CONNECT_TIMEOUT_S = 3.0
SESSION_WITHIN_S = 5.0  # a node that accepts us and then says nothing is as good as gone
MAX_QUEUED = 256  # the outbox repeats what does not fit, so nothing is lost by the bound

_OFFLINE = b'{"online":false}'
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What `doorguard device add … --json` prints, and how the broker is reached.

    `addresses` are the nodes of the broker, any of which will do. `topic_root` has no trailing
    slash. `ca_file` is the PEM file that signs the broker's certificate; None with `tls` trusts the
    machine's own store.
    """

    device: str
    username: str
    password: str = field(repr=False)
    addresses: tuple[Address, ...]
    topic_root: str
    ca_file: str | None = None
    tls: bool = False

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Credentials:
        """Build from the printed object; raise `ConfigurationError` naming what is missing."""
        needed = ("device", "username", "password", "host", "port", "topic_root")
        missing = [name for name in needed if name not in fields]
        if missing:
            raise ConfigurationError(f"device credentials lack {', '.join(missing)}")
        ca_file = fields.get("ca_file")
        nodes = fields.get("addresses") or [{"host": fields["host"], "port": fields["port"]}]
        return cls(
            device=str(fields["device"]),
            username=str(fields["username"]),
            password=str(fields["password"]),
            addresses=tuple(Address(str(one["host"]), int(one["port"])) for one in nodes),
            topic_root=str(fields["topic_root"]).rstrip("/"),
            ca_file=None if ca_file is None else str(ca_file),
            tls=bool(fields.get("tls", ca_file is not None)),
        )

    def topic(self, kind: Kind) -> str:
        return f"{self.topic_root}/{kind}"


class Connection:
    """The session of one device; everything but `online` belongs to the driving thread.

    `on_online` is called after each successful connect, when the subscriptions stand and the
    status is published; `on_message` with each message on `ack`, `cmd` or `config`.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        status: Callable[[], wire.Status],
        on_online: Callable[[], None],
        on_message: Callable[[Kind, bytes], None],
    ) -> None:
        self.credentials = credentials
        self.online = threading.Event()
        self.connects = 0
        self.last_error = ""
        self._status = status
        self._on_online = on_online
        self._on_message = on_message
        self._kinds = {credentials.topic(kind): kind for kind in DEVICE_SUBSCRIBES}
        self._rota = Rota(credentials.addresses, credentials.device)
        self._tried_s = float("-inf")
        self._client = self._make_client()

    def _make_client(self) -> mqtt.Client:
        who = self.credentials
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=who.device,
            clean_session=True,
            protocol=mqtt.MQTTv311,
        )
        client.username_pw_set(who.username, who.password)
        client.will_set(who.topic(Kind.STATUS), _OFFLINE, qos=1, retain=True)
        if who.tls:
            client.tls_set(ca_certs=who.ca_file)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_queued_messages_set(MAX_QUEUED)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        return client

    def attach(self, selector: selectors.BaseSelector) -> None:
        """Let `selector` watch this session's socket, whenever there is one; its data is self."""
        read, write = selectors.EVENT_READ, selectors.EVENT_READ | selectors.EVENT_WRITE

        def opened(_client: mqtt.Client, _userdata: Any, sock: Any) -> None:
            selector.register(sock, read, self)

        def closed(_client: mqtt.Client, _userdata: Any, sock: Any) -> None:
            selector.unregister(sock)

        def has_to_write(_client: mqtt.Client, _userdata: Any, sock: Any) -> None:
            selector.modify(sock, write, self)

        def has_written(_client: mqtt.Client, _userdata: Any, sock: Any) -> None:
            selector.modify(sock, read, self)

        self._client.on_socket_open = opened
        self._client.on_socket_close = closed
        self._client.on_socket_register_write = has_to_write
        self._client.on_socket_unregister_write = has_written

    @property
    def has_socket(self) -> bool:
        return self._client.socket() is not None

    @property
    def congested(self) -> bool:
        """True while earlier bytes still wait for the network."""
        return bool(self._client.want_write())

    @property
    def retry_at_s(self) -> float:
        """Monotonic seconds of the next attempt to connect; meaningful without a socket."""
        return self._rota.retry_at_s

    def wants_connect(self, now_s: float) -> bool:
        return not self.has_socket and now_s >= self._rota.retry_at_s

    def hurry(self) -> None:
        """Try to connect at once: somebody pressed the button."""
        self._rota.hurry()

    def connect(self, now_s: float) -> None:
        """Open the socket (blocks for at most the connect timeout) and plan the next attempt."""
        self._tried_s = now_s
        address = self._rota.take(now_s)
        try:
            self._client.connect(address.host, address.port, keepalive=KEEPALIVE_S)
        except (OSError, ValueError) as error:  # ValueError: a TLS context that cannot be used
            self._complain(str(error))

    def service(self, mask: int) -> None:
        """Read and write what the selector says is ready."""
        if mask & selectors.EVENT_READ:
            self._client.loop_read()
            while self._tls_holds_bytes():
                self._client.loop_read()
        if mask & selectors.EVENT_WRITE and self.has_socket:
            self._client.loop_write()

    def _tls_holds_bytes(self) -> bool:
        pending = getattr(self._client.socket(), "pending", None)
        return pending is not None and pending() > 0

    def misc(self, now_s: float) -> None:
        """Send the keepalive ping when it is due; give up a node that does not answer."""
        self._client.loop_misc()
        waiting = self.has_socket and not self.online.is_set()
        if waiting and now_s - self._tried_s > SESSION_WITHIN_S:
            self._complain(f"no session within {SESSION_WITHIN_S:g} s")
            self.cut()

    def publish(self, kind: Kind, payload: bytes, *, qos: int, retain: bool = False) -> bool:
        """Queue a message below the device's root; False when the session cannot take it now."""
        if not self.online.is_set():
            return False
        info = self._client.publish(self.credentials.topic(kind), payload, qos=qos, retain=retain)
        return info.rc == mqtt.MQTT_ERR_SUCCESS

    def publish_status(self) -> None:
        self.publish(Kind.STATUS, wire.encode(self._status()), qos=1, retain=True)

    def farewell(self) -> None:
        """Say that we leave and disconnect cleanly: the broker drops the will."""
        self.publish(Kind.STATUS, _OFFLINE, qos=1, retain=True)
        self._client.disconnect()

    def cut(self) -> None:
        """Drop the socket without a word, as a power cut does: the broker publishes the will."""
        sock: Any = self._client.socket()
        if sock is not None:
            with contextlib.suppress(OSError):  # the other side may have gone before us
                sock.shutdown(socket.SHUT_RDWR)
            self._client.loop_read()
        self.online.clear()

    def _connected(
        self,
        client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        if reason.is_failure:
            self._complain(f"refused: {reason}")
            return
        client.subscribe([(topic, 0) for topic in self._kinds])

    def _subscribed(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: object,
    ) -> None:
        """Only now do acks and commands reach us: the session counts as online from here."""
        self._rota.arrived()
        self.connects += 1
        self.last_error = ""
        if any(reason.is_failure for reason in reasons):
            self._complain("a subscription was refused")  # an alarm can still be sent: go on
        self.online.set()
        self.publish_status()
        self._on_online()

    def _disconnected(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        refused = self.last_error and not self.online.is_set()  # which has said why
        if reason.is_failure and not refused:
            self._complain(f"connection lost: {reason}")
        self.online.clear()

    def _message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        kind = self._kinds.get(message.topic)
        if kind is not None:
            self._on_message(kind, bytes(message.payload))

    def _complain(self, error: str) -> None:
        if error != self.last_error:  # once per cause, not once per attempt
            _log.warning("%s: %s", self.credentials.device, error)
        self.last_error = error
