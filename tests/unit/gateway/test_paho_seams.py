"""What of paho is not its documented interface, and that we and paho as shipped see the same."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import paho.mqtt.client as paho
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from gateway.block_socket import BlockSocket
from gateway.packets import Publish
from gateway.paho_client import Client
from tests.unit.gateway.scripted_broker import packet, publish

CONNACK = b"\x20\x02\x00\x00"
MIB = 1 << 20
Seen = tuple[object, ...]
OUR_FIELDS = {"_max_payload_bytes", "_deliver", "_begin", "_bug", "_blobs", "_waiting_bytes"}


def test_the_seams_are_where_they_were() -> None:
    """When this fails, read gateway/paho_client.py against the new paho before changing it."""
    shipped: Any = paho.Client

    def parameters(name: str) -> list[str]:
        return list(inspect.signature(getattr(shipped, name)).parameters)

    assert parameters("_create_socket") == ["self"]
    assert parameters("_packet_queue") == ["self", "command", "packet", "mid", "qos", "info"]
    assert parameters("reconnect") == ["self"]
    assert parameters("loop_forever") == ["self", "timeout", "retry_first_connection"]
    fresh = paho.Client(CallbackAPIVersion.VERSION2)
    theirs = {name for one in shipped.__mro__ for name in vars(one)} | set(vars(fresh))
    overridden = {name for name in vars(Client) if not name.startswith("__")} & theirs
    assert overridden == {"_create_socket", "reconnect", "loop_forever"}
    sockets = socket.socketpair()
    with sockets[0], sockets[1]:
        client, _ = client_on(sockets[1], None)
        assert not OUR_FIELDS & set(vars(fresh)), "a name of ours is paho's now"
        assert set(vars(client)) >= OUR_FIELDS


def client_on(
    ours: socket.socket, seen: list[Seen] | None, *, bulk: bool = True
) -> tuple[Client, Callable[[], MQTTErrorCode]]:
    """Return a client that connects to `ours`, and one turn of its loop; it notes what it sees."""
    trace: list[Seen] = [] if seen is None else seen

    def deliver(publishes: list[Publish]) -> None:
        for first, topic, packet_id, payload in publishes:
            trace.append(("message", first, topic, packet_id, payload))

    def on_message(_client: Any, _data: Any, got: paho.MQTTMessage) -> None:
        first = 0x30 | 8 * got.dup | 2 * got.qos | got.retain
        trace.append(("message", first, got.topic, got.mid, bytes(got.payload)))

    class OnPair(Client):
        def _create_socket_connection(self) -> socket.socket:
            return ours

    client = OnPair(
        "x",
        clean_session=True,
        max_payload_bytes=2 * MIB,
        deliver=deliver if bulk else None,
        begin=lambda: None,
        bug=lambda: None,
    )
    client.on_message = on_message
    client.on_connect = lambda *_: trace.append(("connack",))
    client.on_subscribe = lambda _c, _d, mid, *_: trace.append(("suback", mid))
    client.on_unsubscribe = lambda _c, _d, mid, *_: trace.append(("unsuback", mid))
    client.connect_async("nowhere")
    client.reconnect()
    return client, lambda: client.loop(0.0)


def seen_by(raw: bytes, sizes: list[int], *, bulk: bool) -> list[Seen]:
    """Send `raw` in pieces, with a turn of the loop after each, then hang up."""
    theirs, ours = socket.socketpair()
    seen: list[Seen] = []
    client, turn = client_on(ours, seen, bulk=bulk)
    theirs.setblocking(False)
    with theirs:
        at = n = 0
        while at < len(raw):
            with suppress(BlockingIOError):  # full: the client reads first
                at += theirs.send(raw[at : at + sizes[n % len(sizes)]])
            n += 1
            turn()
            drain(theirs)
        theirs.shutdown(socket.SHUT_WR)
        while turn() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            drain(theirs)
    assert client.socket() is None
    return seen


def drain(theirs: socket.socket) -> None:
    """Read what the client sent, so that it is never the one that waits."""
    with suppress(BlockingIOError):
        theirs.recv(1 << 16)


flags = st.tuples(st.booleans(), st.booleans())
topics = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).map(str.encode),
    st.integers(100, 65_535).map(lambda size: b"x" * size),
)
payloads = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([0, 120, 127, 128, 16_370, 16_384, 70_000]).map(bytes),
)
publishes = st.builds(
    lambda topic, payload, packet_id, flag, qos: publish(
        topic, payload, packet_id=packet_id, dup=flag[0] and qos > 0, retain=flag[1], qos=qos
    ),
    topics,
    payloads,
    st.one_of(st.none(), st.integers(1, 65_535)),
    flags,
    st.sampled_from([1, 1, 1, 2]),
)
others = st.one_of(
    st.just(packet(0xD0, b"")),  # PINGRESP
    st.integers(1, 65_535).map(lambda mid: packet(0x90, mid.to_bytes(2) + b"\x01\x00")),
    st.integers(1, 65_535).map(lambda mid: packet(0xB0, mid.to_bytes(2))),
    st.integers(1, 65_535).map(lambda mid: packet(0x40, mid.to_bytes(2))),
    st.integers(1, 65_535).map(lambda mid: packet(0x62, mid.to_bytes(2))),  # PUBREL
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.one_of(publishes, publishes, others), max_size=12),
    st.lists(st.one_of(st.integers(1, 20), st.integers(1, 100_000)), min_size=1, max_size=6),
    st.data(),
)
def test_the_same_bytes_show_the_same_messages(
    packets: list[bytes], sizes: list[int], data: st.DataObject
) -> None:
    raw = CONNACK + b"".join(packets)
    if data.draw(st.booleans(), "hang up in mid-packet"):
        raw = raw[: data.draw(st.integers(0, len(raw)))]
    if len(raw) // max(sizes) > 5_000:
        sizes = [*sizes, 5_000]
    assert seen_by(raw, sizes, bulk=True) == seen_by(raw, [1 << 20], bulk=False)


@pytest.mark.parametrize("size", [2 * MIB - 1, 2 * MIB])
def test_the_largest_payloads_too(size: int) -> None:
    raw = CONNACK + publish(b"t", bytes(size), packet_id=9) + publish(b"u", b"", packet_id=10)
    seen = seen_by(raw, [1024], bulk=True)
    assert seen == seen_by(raw, [1 << 20], bulk=False)
    assert len(seen) == 3


def test_nothing_that_was_read_is_left_lying_and_select_does_not_spin() -> None:
    theirs, ours = socket.socketpair()
    seen: list[Seen] = []
    client, turn = client_on(ours, seen)
    suback = packet(0x90, b"\x00\x01\x01")
    with theirs:
        theirs.send(CONNACK + (publish(b"t", b"x", packet_id=1) + suback) * 20)
        for _ in range(42):  # a turn for each packet that is paho's, and one more
            turn()
        assert len(seen) == 41
        sock = client.socket()
        assert isinstance(sock, BlockSocket)
        assert sock.pending() == 0, "else select would return at once for ever"
        client.disconnect()


def test_packets_queued_for_a_connection_never_leave_on_the_next() -> None:
    theirs, ours = socket.socketpair()
    client, turn = client_on(ours, None)
    with theirs:
        theirs.send(CONNACK)
        turn()
        theirs.recv(1024)
        client.send_acknowledgements(b"\x40\x02\x00\x01" * 2)
        info = client.send_publishes([b"\x30\x03\x00\x01a"])
        turn()
        assert theirs.recv(1024) == b"\x40\x02\x00\x01" * 2 + b"\x30\x03\x00\x01a"
        assert info is not None
        assert info.is_published()
        assert client.waiting_bytes() == 0
        client.on_disconnect = lambda *_: client.send_acknowledgements(b"\x40\x02\x00\x02")
        theirs.shutdown(socket.SHUT_WR)
        turn()
        assert client.want_write(), "queued between two connections"
        theirs_again, again = socket.socketpair()
        type(client)._create_socket_connection = lambda _self: again  # type: ignore[method-assign]
        client.reconnect()
        turn()
        with theirs_again:
            assert theirs_again.recv(1024)[0] == 0x10
            client.on_disconnect = None
            client.disconnect()
            assert theirs_again.recv(1024) == b"\xe0\x00"
