"""The synthetic SOS: a button that is not in any home is pressed, and followed the whole way.

Over the broker as a device, through the alarm lane, the incident and a page, to the board.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

import msgspec

from alerts import synthetic
from app.processes.running import session_for
from app.provision import synthetic_password
from core.clock import Clock
from core.database import Database
from core.errors import TemporaryError
from core.liveness import beats
from core.ports import Message
from core.settings import Settings, broker_addresses
from core.topics import BOARD_DREW, Kind, Topic
from core.wire import Ack
from gateway.mqtt import Session
from gateway.roles import SYNTHETIC_DEVICE, client_id

ACK_WITHIN_S = 5.0
PAGE_WITHIN_S = 10.0
BOARD_WITHIN_S = 5.0
_POLL_S = 0.05
_ACK = msgspec.json.Decoder(Ack)
_DREW = msgspec.json.Decoder(datetime)


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one press: milliseconds from it to each step, None where it was not seen."""

    began: datetime
    acked_ms: int | None = None
    paged_ms: int | None = None
    board_ms: int | None = None
    failure: str = ""

    @property
    def ok(self) -> bool:
        return not self.failure


class SyntheticSos:
    """Presses when told to, and says what came of it."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._stop = threading.Event()
        self._acked = threading.Event()
        self._drawn = threading.Condition()
        self._drew: datetime | None = None  # how new is what the board was handed last
        self._seq = 0
        self._button = Session(
            broker_addresses(settings.broker),
            client_id=client_id(settings.service_key, f"{SYNTHETIC_DEVICE}-{token_hex(8)}"),
            username=SYNTHETIC_DEVICE,
            password=synthetic_password(settings.service_key),
            ca_file=settings.broker_ca_file,
            pinned=settings.broker_pinned,
            subscriptions=[(str(Topic(SYNTHETIC_DEVICE, Kind.ACK)), 0)],
        )
        self._button.deliver_to(self._hear)
        self._board = session_for(
            "watchman",
            settings,
            name=f"svc-watchman-{token_hex(8)}",
            subscriptions=[(BOARD_DREW, 0)],
        )
        self._board.deliver_to(self._see)

    def start(self) -> None:
        self._button.start()
        self._board.start()

    def stop(self) -> None:
        """End; a check under way ends soon."""
        self._stop.set()
        self._board.stop()
        self._button.stop()

    @property
    def connected(self) -> bool:
        return self._button.connected and self._board.connected

    def ready(self, since: datetime) -> bool:
        """Say whether a board has drawn, and an alarms process has said that it hears alarms.

        Both since then: what came before is of processes that may be gone. Raises `DatabaseAway`.
        """
        with self._drawn:
            drew = self._drew is not None and self._drew >= since
        if not drew or not self.connected:
            return False
        with self._database.transaction() as conn:
            return any(
                one["process"] == "alarms"
                and one["beat_at"] >= since
                and one["figures"]["connected"]
                for one in beats(conn)
            )

    def check(self) -> Check:
        """Press once, wait for the ack, the page and the board; never raises a `TemporaryError`."""
        began = self._clock.now()
        try:
            return self._follow(began)
        except TemporaryError as error:
            return Check(began, failure=str(error)[:200] or type(error).__name__)

    def _follow(self, began: datetime) -> Check:
        with self._database.transaction() as conn:
            synthetic.close_stale_test(conn, now=began)  # of a page that came too late
            synthetic.prune(conn, now=began)
        began = self._clock.now()
        began_s = self._clock.monotonic_s()
        self._press(began)
        if not self._acked.wait(ACK_WITHIN_S):
            return Check(began, failure=f"no ack within {ACK_WITHIN_S:g} s")
        acked_ms = self._since_ms(began_s)
        acked_at = self._clock.now()
        board_ms = self._wait_board(acked_at, began_s)
        paged_ms = self._wait_page(began, began_s)
        failure = ""
        if paged_ms is None:
            failure = f"no page within {PAGE_WITHIN_S:g} s"
        elif board_ms is None:
            failure = f"the board drew nothing within {BOARD_WITHIN_S:g} s"
        return Check(began, acked_ms, paged_ms, board_ms, failure)

    def _press(self, began: datetime) -> None:
        self._acked.clear()
        self._seq = max(self._seq + 1, int(began.timestamp() * 1_000_000))
        body = {"seq": self._seq, "type": "sos.test", "at": began.isoformat()}
        topic = str(Topic(SYNTHETIC_DEVICE, Kind.ALARM))
        self._button.publish(topic, json.dumps(body).encode(), qos=1)

    def _since_ms(self, began_s: float) -> int:
        return round((self._clock.monotonic_s() - began_s) * 1000)

    def _wait_board(self, since: datetime, began_s: float) -> int | None:
        """Return when the board was handed a picture that was read after the commit."""
        with self._drawn:
            drawn = self._drawn.wait_for(
                lambda: self._drew is not None and self._drew >= since, BOARD_WITHIN_S
            )
        return self._since_ms(began_s) if drawn else None

    def _wait_page(self, began: datetime, began_s: float) -> int | None:
        """Close the test's incident when its page was sent; return when that was."""
        while self._clock.monotonic_s() - began_s < PAGE_WITHIN_S and not self._stop.is_set():
            with self._database.transaction() as conn:
                test = synthetic.open_test(conn, since=began)
                if test is None:
                    sent_at = None
                else:
                    now = self._clock.now()
                    sent_at = synthetic.finish_test(conn, test, now=now, since=began)
            if sent_at is not None:
                return round((sent_at - began).total_seconds() * 1000)
            self._stop.wait(_POLL_S)
        return None

    def _hear(self, messages: Sequence[Message]) -> None:
        if any(self._seq in _ACK.decode(message.payload).stored for message in messages):
            self._acked.set()

    def _see(self, messages: Sequence[Message]) -> None:
        with self._drawn:
            self._drew = _DREW.decode(messages[-1].payload)
            self._drawn.notify_all()
