"""The sessions and shares of one ingest worker (docs/adr/0010).

A worker that has the broker and the database is a member. Twice a second it looks who else is,
gives up what is too much and claims what is free. When it loses the database it lets go of every
session at once: whoever takes them next must find nobody else acting on them.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.processes.lane_sessions import LaneSessions
from app.processes.share_bus import ShareBus, Slot
from app.processes.switching import BrokerWork, Stage, Switch
from core.clock import Clock
from core.errors import BrokerAway, DatabaseAway
from core.telemetry import logger
from gateway.mqtt import Session
from gateway.nats_config import REDELIVER_AFTER_S
from ingest.lane import Lane
from ingest.sharing.layout import Share, fair, fitting, shares_of
from ingest.sharing.locks import Locks, View
from ingest.sharing.reader import Outlet, Reader

# The broker takes what the last holder left as lost so long after it had last sent it, by a clock
# of its own.
RESUME_S = REDELIVER_AFTER_S + 0.5
TICK_S = 0.5
_BUSY_TICK_S = 0.1  # while something is under way
_PUMP_S = 0.1
_WITHOUT_BROKER_S = 5.0  # then others are better placed to read
_SETTLE_S = 0.5
_LAST_SETTLE_S = 2.0
_RETRY_S = 5.0
_log = logger(__name__)


class Worker:
    """Feeds `lane` from the shares that fall to this worker. `bus` is the lane's."""

    def __init__(
        self,
        *,
        sessions: LaneSessions,
        control: Session,
        bus: ShareBus,
        lane: Lane,
        locks: Locks,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._control = control
        self._bus = bus
        self._lane = lane
        self._locks = locks
        self._clock = clock
        self._slots: dict[Share, Slot] = {}
        self._leaving: dict[Share, Slot] = {}
        self._switch: Switch | None = None
        self._work: BrokerWork | None = None
        self._work_ends: tuple[str, int] = ("", 0)
        self._not_before_s = 0.0  # of the next attempt at the broker
        self._alone_since_s: float | None = None
        self._broker_seen_s = clock.monotonic_s()
        self._view: View | None = None
        self._settled = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sharing")

    def start(self) -> None:
        self._control.start()
        self._thread.start()

    def stop(self) -> None:
        """Settle what was read (2 s at most) and let others have the shares."""
        self._stop.set()
        self._thread.join()
        held = [*self._slots.values(), *self._leaving.values()]
        for slot in held:
            slot.reader.close()
        if held:
            self._lane.wait_settled(_LAST_SETTLE_S)
        _stop_all(held)
        self._locks.close()
        self._control.stop()

    def wait_settled_in(self, timeout_s: float) -> bool:
        """Wait until the worker has what falls to it, and reads; return whether it is so."""
        return self._settled.wait(timeout_s)

    def figures(self) -> dict[str, Any]:
        """Return what `doorguard status` shows: layout, shares, partitions, workers alive."""
        view, slots = self._view, list(self._slots.values())
        return {
            "layout": view.layout if view else None,
            "shares": sorted(slot.share.index for slot in slots if not slot.share.aside),
            "partitions": sum(len(slot.share.partitions) for slot in slots),
            "workers": len(view.members) if view else 0,
            "connected": self._settled.is_set() and self._control.connected and _all_read(slots),
        }

    def _run(self) -> None:
        next_s = float("-inf")
        while not self._stop.is_set():
            now_s = self._clock.monotonic_s()
            for slot in self._slots.values():
                self._ask_for_the_past(slot, now_s)
                slot.reader.pump(now_s)
            if self._lane.figures()["waiting"] == 0:
                self._bus.ask_again()
            if now_s >= next_s:
                next_s = now_s + self._tick(now_s)
            self._stop.wait(_PUMP_S)

    def _ask_for_the_past(self, slot: Slot, now_s: float) -> None:
        mark, topics = secrets.token_bytes(16), slot.share.markers
        if slot.reader.asks(now_s, mark, topics):
            try:
                for topic in topics:
                    self._bus.publish(topic, mark, qos=1)
            except BrokerAway as error:  # it goes on without, a little later
                _log.warning("no markers", error=str(error))

    def _tick(self, now_s: float) -> float:
        """Look after the shares; return the seconds until the next look."""
        try:
            if self._control.connected:
                self._broker_seen_s = now_s
                if not self._locks.is_open:
                    self._locks.open()
            elif self._locks.is_open and now_s - self._broker_seen_s > _WITHOUT_BROKER_S:
                self._let_go("no broker")
            if self._locks.is_open:
                self._look(self._locks.view(), now_s)
        except DatabaseAway as error:
            self._let_go(str(error))
            return TICK_S
        return TICK_S if self._settled.is_set() else _BUSY_TICK_S

    def _let_go(self, why: str) -> None:
        """Stop acting as anybody's holder, at once."""
        _log.warning("no shares", why=why, gave_up=len(self._slots) + len(self._leaving))
        self._settled.clear()
        held = [*self._slots.values(), *self._leaving.values()]
        for slot in held:
            slot.reader.close()
        self._slots, self._leaving, self._switch, self._view = {}, {}, None, None
        self._bus.hold(())
        _stop_all(held)
        self._locks.close()

    def _look(self, view: View, now_s: float) -> None:
        self._view = view
        self._note_company(view, now_s)
        self._finish_leaving()
        if self._switch is not None:
            self._drive(self._switch, view, now_s)
        else:
            self._balance(view, now_s)
            self._tidy(view, now_s)
        busy = self._switch or self._leaving or not _all_read(self._slots.values())
        if busy or view.me not in view.members or self._wants(view) != set(self._slots):
            self._settled.clear()
        else:
            self._settled.set()

    def _note_company(self, view: View, now_s: float) -> None:
        if len(view.members) > 1:
            self._alone_since_s = None
        elif self._alone_since_s is None:
            self._alone_since_s = now_s

    def _wants(self, view: View) -> set[Share]:
        held = {share: pid for share, pid in view.held.items() if share.layout == view.layout}
        target = fair(view.layout, view.members, held)
        return {share for share, worker in target.items() if worker == view.me}

    def _balance(self, view: View, now_s: float) -> None:
        wants = self._wants(view)
        # what waits for its past would have to wait as long again with the next holder
        if all(slot.reader.caught_up(now_s) for slot in self._slots.values()):
            for share in [share for share in self._slots if share not in wants]:
                slot = self._leaving[share] = self._slots.pop(share)
                slot.reader.close()
        for share in sorted(wants - self._slots.keys() - self._leaving.keys() - view.held.keys()):
            if self._locks.claim(share):
                self._open(share)
        self._route()

    def _open(self, share: Share) -> None:
        session = self._sessions.reader(share)
        lane, locks, clock = self._lane, self._locks, self._clock

        def room() -> int:
            return lane.free() if locks.lease_holds() else 0

        outlet = Outlet(lane.offer, room, session.acknowledge, session.shed)
        reader = Reader(outlet, resume_s=RESUME_S, passes=share.passes())
        session.tell_connected(
            lambda resumed: reader.connected(resumed=resumed, now_s=clock.monotonic_s())
        )
        session.deliver_to(lambda messages: reader.take(messages, clock.monotonic_s()))
        self._slots[share] = Slot(share, session, reader)
        self._route()
        session.start()
        _log.info("claimed", share=share.index, of=share.layout)

    def _finish_leaving(self) -> None:
        """Let others have what is given up, once all that was read of it is committed."""
        if self._leaving and self._lane.wait_settled(_SETTLE_S):
            _stop_all(self._leaving.values())
            for share in self._leaving:
                self._locks.release(share)
                _log.info("gave up", share=share.index, of=share.layout)
            self._leaving.clear()
            self._route()

    def _route(self) -> None:
        self._bus.hold([*self._slots.values(), *self._leaving.values()])

    def _tidy(self, view: View, now_s: float) -> None:
        """Switch to the fitting layout; delete sessions that nobody will read again."""
        if self._work is not None:
            self._end_work(self._work, now_s)
            return
        if now_s < self._not_before_s:
            return
        if view.retiring is not None:
            if Share(view.layout, 0) in self._slots:
                self._forget(view.retiring, "retiring")
            return
        holds_all = not self._leaving and set(shares_of(view.layout)) == set(self._slots)
        ready = holds_all and _all_read(self._slots.values())
        if not ready or not all(s.reader.caught_up(now_s) for s in self._slots.values()):
            return
        alone_for_s = now_s - self._alone_since_s if self._alone_since_s is not None else 0.0
        to = fitting(view.layout, workers=len(view.members), alone_for_s=alone_for_s)
        if to != view.layout:
            if self._locks.prepare(view.layout, before=view.preparing, to=to):
                _log.info("switching", layout=view.layout, to=to)
                self._switch = Switch(
                    list(self._slots.values()),
                    make=lambda: self._sessions.make(shares_of(to)),
                    bus=self._bus,
                    wait_settled=self._lane.wait_settled,
                )
        elif view.preparing is not None:  # of a switch that is wanted no more
            self._forget(view.preparing, "preparing")

    def _forget(self, layout: int, word: str) -> None:
        shares = shares_of(layout)
        self._work_ends = (word, layout)
        self._work = BrokerWork("forget", lambda: self._sessions.forget(shares))

    def _end_work(self, work: BrokerWork, now_s: float) -> None:
        if not work.done:
            return
        self._work = None
        word, layout = self._work_ends
        if work.failed:
            _log.warning("to be tried again", error=str(work.failed))
            self._not_before_s = now_s + _RETRY_S
        elif word == "retiring":
            self._locks.retired(layout)
        elif self._view is not None:
            self._locks.prepare(self._view.layout, before=layout, to=None)

    def _drive(self, switch: Switch, view: View, now_s: float) -> None:
        stage = switch.step(now_s)
        if stage is Stage.FAILED:
            self._switch = None
            self._not_before_s = now_s + _RETRY_S
            if switch.closed:  # its readers pass nothing any more: claim everything anew
                self._let_go("a switch failed")
        elif stage is Stage.SETTLED:
            if view.preparing is None or not self._locks.switch(view.layout, view.preparing):
                raise DatabaseAway("the layout is not what it was")
            former = list(self._slots.values())
            self._switch = None
            self._slots.clear()
            self._route()
            _stop_all(former)
            for slot in former:
                self._locks.release(slot.share)
            _log.info("switched", layout=view.layout, to=view.preparing)


def _all_read(slots: Iterable[Slot]) -> bool:
    return all(slot.session.connected for slot in slots)


def _stop_all(slots: Iterable[Slot]) -> None:
    """End sessions side by side: one whose broker is away may take seconds."""
    slots = list(slots)
    if slots:
        with ThreadPoolExecutor(len(slots), "session-stop") as pool:
            for done in [pool.submit(slot.session.stop) for slot in slots]:
                done.result()
