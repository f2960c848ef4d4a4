"""The MQTT session of a process.

paho keeps the connection, the session, subscriptions, keep-alive and reconnection; messages come
and are acknowledged in bulk (docs/adr/0009-bulk-receive.md). Messages of QoS 1 are acknowledged
to the broker by hand, after commit; `gateway.in_flight` says which tokens are still good.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal, NoReturn

from core.clock import Clock, SystemClock
from core.errors import BrokerAway, ConfigurationError
from core.ports import Message, Sink
from core.settings import BrokerAddress
from core.telemetry import logger
from gateway.failover import Failover
from gateway.in_flight import InFlight
from gateway.nats_config import MAX_PAYLOAD_BYTES
from gateway.packets import DUP, QOS_1, RETAIN, Publish, encode_pubacks, encode_publishes
from gateway.paho_client import Client, Info, Received, queue_is_full, topic_of, trust

KEEPALIVE_S = 15
_CROSSING = 3  # keep-alive periods; two and the slack of paho's timers
_MAX_QUEUED = 10_000  # outgoing messages of QoS 1 waiting while the broker is away
_MAX_WAITING_BYTES = 8 * 1024 * 1024  # of `publish_all`, behind a broker that does not read
_BLOB_BYTES = 64 * 1024
_WORTH_A_READ = 64  # messages; waking up for one costs as much as decoding twenty
_LAST_WORDS_S = 2.0

_CLOCK = SystemClock()
_log = logger(__name__)


class Session:
    """One connection to a broker of one or more nodes, reconnecting for ever.

    `durable` keeps the session at the broker while this process is away, so that QoS 1 messages
    wait for it; `stop` leaves it there, `forget_session` deletes it. `receive="plain"` reads and
    acknowledges message by message, as paho ships it; everything else is the same. `coalesce_s`
    is how long to wait after a read that brought little before the next, so that it brings more:
    what arrives alone is handed over at once, and a steady trickle costs a tenth. A payload
    longer than `max_payload_bytes` is cut there while it streams in.

    Raises `ConfigurationError` when some nodes are TLS and some are not, `ValueError` for a
    subscription at QoS 2, which this session does not speak.
    """

    def __init__(
        self,
        addresses: Sequence[BrokerAddress],
        *,
        client_id: str,
        username: str | None,
        password: str | None,
        ca_file: str | None = None,
        pinned: bool = False,
        durable: bool = False,
        subscriptions: Sequence[tuple[str, int]] = (),
        receive: Literal["bulk", "plain"] = "bulk",
        keepalive_s: int = KEEPALIVE_S,
        coalesce_s: float = 0.0,
        max_payload_bytes: int = MAX_PAYLOAD_BYTES,
        clock: Clock = _CLOCK,
    ) -> None:
        if len({address.tls for address in addresses}) != 1:
            raise ConfigurationError("broker: give one node or more, all mqtt:// or all mqtts://")
        if any(qos not in {0, 1} for _, qos in subscriptions):
            raise ValueError("subscribe at QoS 0 or 1")
        self._addresses = list(addresses)
        self._client_id = client_id
        self._durable = durable
        self._subscriptions = list(subscriptions)
        self._asked_for: dict[int, list[tuple[str, int]]] = {}
        self._keepalive_s = keepalive_s
        self._coalesce_s = coalesce_s
        self._max_payload_bytes = max_payload_bytes
        self._clock = clock
        self._sink: Sink | None = None
        self._told: Callable[[bool], None] | None = None
        self._received = 0
        # Held by the network thread and by those that acknowledge, once a batch.
        self._lock = threading.RLock()
        self._in_flight = InFlight(_CROSSING * keepalive_s)
        self._connected_at_s: float | None = None
        self._attempting = False  # paho may report one end of a connection twice
        self._asked_again = False
        self._stopping = False
        self._last: Info | None = None
        self._ready = threading.Event()
        self._node = 0
        self._failover = Failover(len(self._addresses))
        self._bulk = receive == "bulk"
        self._client = client = Client(
            client_id,
            clean_session=not durable,
            max_payload_bytes=max_payload_bytes,
            deliver=self._arrived if self._bulk else None,
            begin=self._begin,
            bug=self._end,
        )
        client.max_queued_messages_set(_MAX_QUEUED)
        if username is not None:
            client.username_pw_set(username, password)
        if addresses[0].tls:
            trust(client, ca_file, pinned=pinned)
        client.on_connect = self._connected
        client.on_connect_fail = self._unreachable
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._arrived_alone

    def deliver_to(self, sink: Sink) -> None:
        """Hand received messages to `sink`, on the network thread; set before `start`.

        It must only hand over. An error in it is a bug and ends the process, so that the
        supervisor starts a clean one.
        """
        self._sink = sink

    def tell_connected(self, told: Callable[[bool], None]) -> None:
        """Call `told` on the network thread at every connection, before its first message, with
        whether the broker had kept a session for us; set before `start`.
        """
        self._told = told

    def start(self) -> None:
        """Connect in the background."""
        self._aim(self._node, 0)
        self._client.loop_start()

    def stop(self) -> None:
        """Send what waits (2 s at most), say good-bye and end the network thread."""
        self._stopping = True
        with suppress(RuntimeError, ValueError):  # not connected, or nothing was ever published
            if self._last is not None:
                self._last.wait_for_publish(_LAST_WORDS_S)
        self._client.disconnect()
        self._client.loop_stop()
        self._client.hang_up()

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until connected and subscribed; return whether it is so."""
        return self._ready.wait(timeout_s)

    @property
    def connected(self) -> bool:
        """Whether the session stands and every subscription was granted."""
        return self._ready.is_set()

    @property
    def received(self) -> int:
        """How many messages were handed to the sink since the start."""
        return self._received

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Queue a message; raise `BrokerAway` when too many already wait."""
        info = self._client.publish(topic, payload, qos, retain)
        if queue_is_full(info):
            raise BrokerAway(f"{_MAX_QUEUED} messages wait for the broker", delay_s=2.0)
        if qos:
            self._last = info

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Queue (topic, payload) at QoS 0, all or none.

        Raises `BrokerAway` without a connection or when too much already waits, `ValueError` for
        a topic that cannot be published to.
        """
        blobs = list(encode_publishes(messages, blob_bytes=_BLOB_BYTES)) if self._bulk else []
        with self._lock:
            if self._connected_at_s is None:
                raise BrokerAway("no connection to the broker")
            if not self._bulk:
                for topic, payload in messages:
                    self.publish(topic, payload)
                return
            if self._client.waiting_bytes() > _MAX_WAITING_BYTES:
                raise BrokerAway(f"{_MAX_WAITING_BYTES} bytes wait for the broker", delay_s=2.0)
            self._last = self._client.send_publishes(blobs) or self._last

    def follow(self, subscriptions: Sequence[tuple[str, int]]) -> None:
        """Hear these from now on and nothing else, in this connection and those after it."""
        with self._lock:
            before, self._subscriptions = self._subscriptions, list(subscriptions)
            if self._connected_at_s is None:
                return
            more = [one for one in self._subscriptions if one not in before]
            kept = {topic for topic, _ in self._subscriptions}
            gone = [topic for topic, _ in before if topic not in kept]
            if more:
                self._ask_for(more)
            if gone:
                self._client.unsubscribe(gone)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Confirm QoS 1 messages whose tokens are still good; the others come again anyway."""
        with self._lock:
            ids = self._in_flight.settle(messages, self._clock.monotonic_s())
            if ids and self._bulk:
                self._client.send_acknowledgements(encode_pubacks(ids))
                return
            for packet_id in ids:
                self._client.ack(packet_id, 1)

    def shed(self, messages: Sequence[Message]) -> None:
        """Give these up unacknowledged: there was no room. They must come again."""
        with self._lock:
            self._in_flight.shed(messages)

    def ask_again(self) -> None:
        """Have the broker send again what was shed on this connection, by making it anew.

        Mosquitto does so for a new connection only, and at once; NATS after `REDELIVER_AFTER_S` on
        any. To a session that is not durable neither does: that one is left as it is.
        """
        with self._lock:
            if self._durable and self._in_flight.owed and self._connected_at_s is not None:
                self._in_flight.owed = False
                self._asked_again = True
                self._client.send_goodbye()  # behind the acknowledgements that wait

    def _aim(self, node: int, delay_s: int) -> None:
        """Let paho's next attempt go to `node`, so long from now."""
        self._node = node
        self._client.reconnect_delay_set(delay_s, delay_s)
        address = self._addresses[node]
        self._client.connect_async(address.host, address.port, self._keepalive_s)

    def _begin(self) -> None:
        self._void()
        self._attempting = True

    def _void(self) -> None:
        """Forget the connection: nothing of it is acknowledged any more."""
        with self._lock:
            self._connected_at_s = None
            self._asked_for.clear()
            self._in_flight.clear()

    def _connected(
        self, client: Any, _data: Any, flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            _log.error("broker refused the session", client=self._client_id, reason=str(reason))
            return
        if self._stopping:  # `stop` found us between two connections
            client.disconnect()
            return
        with self._lock:
            self._connected_at_s = self._clock.monotonic_s()
        _log.info("connected to the broker", client=self._client_id)
        if self._told is not None:
            self._told(bool(flags.session_present))
        if self._subscriptions:
            with self._lock:
                self._ask_for(self._subscriptions)
        else:
            self._ready.set()

    def _subscribed(
        self, _client: Any, _data: Any, mid: int, reasons: Any, _properties: Any
    ) -> None:
        with self._lock:
            asked = self._asked_for.pop(mid, [])
        refused = [
            topic for (topic, _), reason in zip(asked, reasons, strict=False) if reason.is_failure
        ]
        if refused:
            _log.error("broker refused subscriptions", client=self._client_id, topics=refused)
            self._drop()  # a session that hears nothing must not look alive; the next one asks anew
        else:
            self._ready.set()

    def _ask_for(self, subscriptions: list[tuple[str, int]]) -> None:
        _, mid = self._client.subscribe(subscriptions)
        if mid is not None:
            self._asked_for[mid] = subscriptions

    def _drop(self) -> None:
        """Break the connection without a good-bye, so that it is made again."""
        with suppress(OSError):  # it is broken already
            self._client.break_off()

    def _disconnected(
        self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._ready.clear()
        with self._lock:
            since_s = self._connected_at_s
            asked, self._asked_again = self._asked_again, False
            self._void()
        if self._stopping or not self._attempting:
            return
        self._attempting = False
        if asked:
            self._aim(self._node, 0)
            return
        if reason.is_failure:
            _log.warning("lost the broker", client=self._client_id, reason=str(reason))
        stood_s = None if since_s is None else self._clock.monotonic_s() - since_s
        self._aim(*self._failover.next(self._node, stood_s=stood_s))

    def _unreachable(self, _client: Any, _data: Any) -> None:
        address = self._addresses[self._node]
        _log.warning("broker not reached", client=self._client_id, host=address.host)
        self._attempting = False
        if not self._stopping:
            self._aim(*self._failover.next(self._node, stood_s=None))

    def _arrived(self, publishes: Sequence[Publish]) -> None:
        if self._sink is None:
            return
        with self._lock:
            messages = self._in_flight.admit(publishes, self._clock.monotonic_s())
        if not messages:
            return
        self._received += len(messages)
        try:
            self._sink(messages)
        except Exception:  # noqa: BLE001 - nothing is swallowed: the process ends
            self._end()
        if self._coalesce_s and len(messages) < _WORTH_A_READ:
            time.sleep(self._coalesce_s)

    def _arrived_alone(self, _client: Any, _data: Any, got: Received) -> None:
        if got.qos > 1:
            _log.error("a message of QoS 2, which nobody asked for", topic=topic_of(got))
            return
        first = DUP * got.dup | QOS_1 * got.qos | RETAIN * got.retain
        payload = bytes(got.payload[: self._max_payload_bytes])
        self._arrived([(first, topic_of(got), got.mid, payload)])

    def _end(self) -> NoReturn:
        _log.exception("bug on the network thread; this process ends", client=self._client_id)
        os._exit(70)  # EX_SOFTWARE


def forget_session(
    addresses: Sequence[BrokerAddress],
    *,
    client_id: str,
    username: str | None,
    password: str | None,
    ca_file: str | None = None,
    pinned: bool = False,
    timeout_s: float = 10.0,
) -> None:
    """Delete the durable session of `client_id` at the broker, with all that waits in it.

    Whoever holds it is thrown out. Raises `BrokerAway` when the broker did not answer in time.
    """
    session = Session(
        addresses,
        client_id=client_id,
        username=username,
        password=password,
        ca_file=ca_file,
        pinned=pinned,
    )
    session.start()
    try:
        if not session.wait_ready(timeout_s):
            raise BrokerAway(f"the session of {client_id} was not deleted")
    finally:
        session.stop()
