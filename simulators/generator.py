"""Reporting devices, each on a connection of its own, driven by one selector in one thread."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from datetime import UTC, datetime

import msgspec

from core.errors import DecodeError
from core.topics import Kind, device_root
from simulators import packets
from simulators.reporting import Reporter

_READ_BYTES = 1 << 16
_LONGEST_WAIT_S = 0.2
_LOOK_EVERY_S = 0.25  # at retries, reconnections and keep-alive
_RETRY_AFTER_S = 0.5
_CONNECT_TIMEOUT_S = 3.0
_SESSION_WITHIN_S = 5.0  # a node that accepts us and then says nothing is as good as gone
_KEEPALIVE_S = 60
_ENDLESS = 1 << 62  # until told to stop
_MOST_AT_ONCE = 2000  # events made between two looks at the sockets


class Who(msgspec.Struct, frozen=True):
    """One device's credentials."""

    device: str
    username: str
    password: str


class Load(msgspec.Struct, frozen=True):
    """What to publish: `events` in all, None until told to stop; `rate` events/s, None as it can.

    `brokers` are (host, port) of the nodes; a device whose node fails goes to the next.
    """

    devices: list[Who]
    brokers: list[tuple[str, int]]
    events: int | None
    rate: float | None
    ack_every: int
    patience_s: float


class Account(msgspec.Struct):
    """What happened. Times are monotonic seconds of this machine, the same in every process.

    `sent` holds (first seq, count) by device: seqs are without gaps. `answers` holds (when the
    event was due, seconds until its `ack` came) of each event that asked for one.
    """

    sent: dict[str, tuple[int, int]] = {}
    answers: list[tuple[float, float]] = []
    began_s: float = 0.0
    ended_s: float = 0.0
    unanswered: int = 0
    rejected: int = 0
    resent: int = 0
    connects: int = 0
    pubacks: int = 0
    cpu_s: float = 0.0


class _Link:
    """A device's connection as the loop sees it."""

    def __init__(self, who: Who, reporter: Reporter, node: int) -> None:
        self.who = who
        self.reporter = reporter
        self.node = node
        self.sock: socket.socket | None = None
        self.reader = packets.Reader()
        self.out = bytearray()
        self.online = False
        self.left = 0  # events still to make, at full speed
        self.retry_s = 0.0
        self.spoke_s = 0.0
        self.writing = False


class Generator:
    """Drives the devices of one process. Single-threaded."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._selector = selectors.DefaultSelector()
        self._account = Account()
        first = time.time_ns() // 1000
        self._links = [
            _Link(
                who,
                Reporter(
                    who.device,
                    first_seq=first,
                    ack_every=load.ack_every,
                    first_ask=None if load.rate is None else number % load.ack_every + 1,
                ),
                number % len(load.brokers),
            )
            for number, who in enumerate(load.devices)
        ]
        self._made = 0
        self._stopped = False
        self._began_s: float | None = None
        self._looked_s = 0.0
        self._last_heard_s = 0.0

    @property
    def ready(self) -> bool:
        """Whether every device is connected and subscribed."""
        return all(link.online for link in self._links)

    def begin(self) -> None:
        """Start making events."""
        self._began_s = self._account.began_s = self._last_heard_s = time.monotonic()
        if self._load.rate is None:
            events = self._load.events
            share, odd = (_ENDLESS, 0) if events is None else divmod(events, len(self._links))
            for number, link in enumerate(self._links):
                link.left = share + (number < odd)
                self._burst(link)

    def stop(self) -> None:
        """Make no more events but those that ask for the last ones; all is still delivered."""
        if self._stopped or self._began_s is None:
            return
        self._stopped = True
        now_s, at = time.monotonic(), stamp()
        for link in self._links:
            if not link.reporter.asking:
                packet = link.reporter.report(at, due_s=now_s, now_s=now_s, last=True)
                if link.online:
                    link.out += packet
                    self._flush(link)

    @property
    def done(self) -> bool:
        """Whether all events are made and answered, or the patience is over."""
        if self._began_s is None or not self._all_made():
            return False
        owed = any(link.reporter.owed for link in self._links)
        return not owed or time.monotonic() - self._last_heard_s > self._load.patience_s

    def _all_made(self) -> bool:
        if self._stopped:
            return True
        if self._load.rate is None:
            return not any(link.left for link in self._links)
        return self._load.events is not None and self._made >= self._load.events

    def turn(self) -> None:
        """Serve what is ready or due."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= _LOOK_EVERY_S:
            self._looked_s = now_s
            self._look_after(now_s)
        wait_s = _LONGEST_WAIT_S
        if self._began_s is not None and self._load.rate is not None and not self._all_made():
            wait_s = self._make_due(self._began_s, self._load.rate)
        for key, mask in self._selector.select(wait_s):
            link: _Link = key.data
            if mask & selectors.EVENT_READ:
                self._read(link)
            if mask & selectors.EVENT_WRITE:
                self._flush(link)

    def account(self) -> Account:
        """Say good-bye to the broker and return the figures."""
        found = self._account
        for link in self._links:
            reporter = link.reporter
            found.sent[link.who.device] = (reporter.first_seq, reporter.sent)
            found.unanswered += sum(len(row.ats) for row in reporter.owed.values())
            found.rejected += reporter.rejected
            found.resent += reporter.resent
            if link.sock is not None:
                with contextlib.suppress(OSError):
                    link.sock.send(packets.DISCONNECT)
                link.sock.close()
        self._selector.close()
        found.cpu_s = time.process_time()
        return found

    def _make_due(self, began_s: float, rate: float) -> float:
        """Make the events whose time has come; return the seconds until the next one's."""
        now_s = time.monotonic()
        events = self._load.events
        upto = min(int((now_s - began_s) * rate) + 1, self._made + _MOST_AT_ONCE)
        upto = upto if events is None else min(upto, events)
        at, n = stamp(), len(self._links)
        for number in range(self._made, upto):
            link = self._links[number % n]
            last = events is not None and number + n >= events
            packet = link.reporter.report(at, due_s=began_s + number / rate, now_s=now_s, last=last)
            if link.online:
                link.out += packet
                if not link.writing:
                    self._flush(link)
        self._made = upto
        return min(_LONGEST_WAIT_S, max(0.0, began_s + upto / rate - time.monotonic()))

    def _burst(self, link: _Link) -> None:
        """Publish the next events of a device that waits for nothing."""
        n = 0 if self._stopped else min(link.left, self._load.ack_every)
        now_s, at = time.monotonic(), stamp()
        link.left -= n
        for number in range(n):
            last = number == n - 1
            link.out += link.reporter.report(at, due_s=now_s, now_s=now_s, last=last)
        self._flush(link)

    def _look_after(self, now_s: float) -> None:
        for link in self._links:
            if link.sock is None:
                if now_s >= link.retry_s:
                    self._connect(link, now_s)
            elif not link.online:
                if now_s - link.spoke_s > _SESSION_WITHIN_S:
                    self._lost(link)
            else:
                link.out += link.reporter.again(now_s)
                if now_s - link.spoke_s > _KEEPALIVE_S / 2:
                    link.out += packets.PINGREQ
                if link.out and not link.writing:
                    self._flush(link)

    def _connect(self, link: _Link, now_s: float) -> None:
        link.retry_s = now_s + _RETRY_AFTER_S
        node = self._load.brokers[link.node]
        link.node = (link.node + 1) % len(self._load.brokers)  # where to go when this one fails
        try:
            sock = socket.create_connection(node, timeout=_CONNECT_TIMEOUT_S)
        except OSError:
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        link.sock, link.reader, link.writing = sock, packets.Reader(), False
        link.out = bytearray(
            packets.connect(
                link.who.device,
                link.who.username,
                link.who.password,
                keepalive_s=_KEEPALIVE_S,
            )
        )
        self._selector.register(sock, selectors.EVENT_READ, link)
        self._flush(link)

    def _lost(self, link: _Link) -> None:
        if link.sock is not None:
            self._selector.unregister(link.sock)
            link.sock.close()
        link.sock, link.online = None, False
        link.retry_s = time.monotonic() + _RETRY_AFTER_S

    def _flush(self, link: _Link) -> None:
        if link.sock is None or not link.out:
            return
        try:
            del link.out[: link.sock.send(link.out)]
        except BlockingIOError:
            pass  # the selector says when there is room
        except OSError:
            self._lost(link)
            return
        link.spoke_s = time.monotonic()
        if link.writing != bool(link.out):
            link.writing = not link.writing
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.writing else 0)
            self._selector.modify(link.sock, events, link)

    def _read(self, link: _Link) -> None:
        if link.sock is None:
            return
        try:
            data = link.sock.recv(_READ_BYTES)
            heard = link.reader.feed(data)
        except BlockingIOError:
            return
        except (OSError, DecodeError):
            self._lost(link)
            return
        if not data:
            self._lost(link)
            return
        self._account.pubacks += heard.pubacks
        if heard.connected:
            root = device_root(link.who.device)
            link.out += packets.subscribe(1, [f"{root}/{Kind.ACK}"])
            self._flush(link)
        if heard.subscribed:
            link.online = True
            self._account.connects += 1
            link.out += link.reporter.reconnected(time.monotonic())
            self._flush(link)
        for _, body in heard.messages or ():
            self._answered(link, body)

    def _answered(self, link: _Link, body: bytes) -> None:
        now_s = self._last_heard_s = self._account.ended_s = time.monotonic()
        self._account.answers += link.reporter.acknowledge(body, now_s)
        if link.left and not link.reporter.owed:
            self._burst(link)


def stamp() -> bytes:
    """Return the time as events carry it."""
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z".encode()
