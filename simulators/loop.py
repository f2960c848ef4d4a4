"""One thread drives the sessions of any number of devices: a selector and a heap of due times."""

from __future__ import annotations

import contextlib
import heapq
import selectors
import socket
import threading
from collections import deque
from typing import Protocol

from core.clock import Clock
from simulators.connection import Connection

_FAREWELL_S = 2.0


class Driven(Protocol):
    """A device as its loop sees it."""

    connection: Connection

    def tick(self, now_s: float) -> float:
        """Do what is due at monotonic `now_s`; return when the next thing is."""
        ...


class Loop:
    """Drives devices either in a thread of its own (`start`, `stop`) or turn by turn (`turn`).

    `wake` is safe from any thread; everything else belongs to the thread that turns.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_in, selectors.EVENT_READ, None)
        self._devices: list[Driven] = []
        self._numbers: dict[int, int] = {}  # of a device and of its connection, by id()
        self._due_s: list[float] = []
        self._heap: list[tuple[float, int]] = []
        self._woken: deque[Driven] = deque()
        self._stopping = threading.Event()
        self._polite = True
        self._thread: threading.Thread | None = None

    def add(self, device: Driven) -> None:
        """Take a device; it connects at the next turn. Not while another thread turns."""
        number = len(self._devices)
        self._devices.append(device)
        self._numbers[id(device)] = self._numbers[id(device.connection)] = number
        self._due_s.append(0.0)
        device.connection.attach(self._selector)
        self._plan(number, self._clock.monotonic_s())

    def wake(self, device: Driven) -> None:
        """Have `device` ticked at once."""
        self._woken.append(device)
        try:
            self._wake_out.send(b"w")
        except BlockingIOError:
            return  # the pipe is full of wakes already
        except OSError:
            if not self._stopping.is_set():
                raise

    def start(self, name: str) -> None:
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self, *, polite: bool = True) -> None:
        """End the thread; `polite` says goodbye to the broker, else the sockets just drop."""
        self._polite = polite
        self._stopping.set()
        if self._thread is None:
            self.close()
            return
        with contextlib.suppress(OSError):  # full: it wakes too; closed: the thread has ended
            self._wake_out.send(b"w")
        self._thread.join()

    def turn(self, max_wait_s: float) -> None:
        """Serve what is ready or due, waiting for at most `max_wait_s` seconds."""
        now_s = self._clock.monotonic_s()
        self._tick_due(now_s)
        wait_s = max_wait_s
        if self._heap:
            wait_s = min(wait_s, self._heap[0][0] - self._clock.monotonic_s())
        if self._woken:
            wait_s = 0.0
        self._serve(max(0.0, wait_s))

    def close(self) -> None:
        """Take leave of the broker (or cut the sockets) and free the selector."""
        self._stopping.set()
        for device in self._devices:
            if self._polite:
                device.connection.farewell()
            else:
                device.connection.cut()
        end_s = self._clock.monotonic_s() + _FAREWELL_S
        while self._clock.monotonic_s() < end_s and any(
            device.connection.has_socket for device in self._devices
        ):
            self._serve(0.05)
        for device in self._devices:
            device.connection.cut()
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.turn(1.0)
        finally:
            self.close()

    def _serve(self, wait_s: float) -> None:
        for key, mask in self._selector.select(wait_s):
            if key.data is None:
                self._drain_wakes()
                continue
            connection: Connection = key.data
            connection.service(mask)
            if not connection.has_socket:  # lost or refused: its next attempt must be planned
                self._plan(self._numbers[id(connection)], self._clock.monotonic_s())

    def _plan(self, number: int, due_s: float) -> None:
        self._due_s[number] = due_s
        heapq.heappush(self._heap, (due_s, number))

    def _tick_due(self, now_s: float) -> None:
        while self._woken:
            self._plan(self._numbers[id(self._woken.popleft())], now_s)
        while self._heap and self._heap[0][0] <= now_s:
            due_s, number = heapq.heappop(self._heap)
            if due_s != self._due_s[number]:
                continue  # planned anew since
            device = self._devices[number]
            connected = device.connection.wants_connect(now_s)
            if connected:
                device.connection.connect(now_s)
            self._plan(number, max(device.tick(now_s), now_s + 1e-3))
            if connected:
                return  # connecting may block: let the others read first

    def _drain_wakes(self) -> None:
        try:
            while self._wake_in.recv(4096):
                pass
        except BlockingIOError:
            return
