"""The synthetic SOS: every minute a button that is not in any home is pressed.

It goes the whole way, over the broker as a device, through the alarm lane, the incident and a
page; a failure is recorded and pages the duty engineer.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from secrets import token_hex

import msgspec

from alerts import synthetic
from app.provision import synthetic_password
from core.clock import Clock
from core.database import Database
from core.errors import TemporaryError
from core.ports import Message
from core.settings import Settings, broker_addresses
from core.telemetry import logger
from core.topics import Kind, Topic
from core.wire import Ack
from gateway.mqtt import Session
from gateway.roles import SYNTHETIC_DEVICE, client_id

ACK_WITHIN_S = 5.0
PAGE_WITHIN_S = 10.0
_FIRST_AFTER_S = 2.0
_POLL_S = 0.05
_ACK = msgspec.json.Decoder(Ack)
_log = logger(__name__)


class SyntheticSos:
    """Presses, waits for the ack and for the page, records what came of it."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, *, wanted: Callable[[], bool]
    ) -> None:
        self._wanted = wanted
        self._settings = settings
        self._database = database
        self._clock = clock
        self._stop = threading.Event()
        self._acked = threading.Event()
        self._seq = 0
        self._session = Session(
            broker_addresses(settings.broker),
            client_id=client_id(settings.service_key, f"{SYNTHETIC_DEVICE}-{token_hex(8)}"),
            username=SYNTHETIC_DEVICE,
            password=synthetic_password(settings.service_key),
            ca_file=settings.broker_ca_file,
            pinned=settings.broker_pinned,
            subscriptions=[(str(Topic(SYNTHETIC_DEVICE, Kind.ACK)), 0)],
        )
        self._session.deliver_to(self._hear)
        self._thread = threading.Thread(target=self._run, name="synthetic-sos")

    def start(self) -> None:
        self._session.start()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._session.stop()

    def _hear(self, messages: Sequence[Message]) -> None:
        if any(self._seq in _ACK.decode(message.payload).stored for message in messages):
            self._acked.set()

    def _run(self) -> None:
        self._stop.wait(_FIRST_AFTER_S)
        while not self._stop.is_set():
            try:
                if self._wanted():
                    self._press()
            except TemporaryError as error:
                _log.error("the synthetic SOS could not be recorded", error=str(error))
            self._stop.wait(self._settings.synthetic_every_s)

    def _press(self) -> None:
        began = self._clock.now()
        began_s = self._clock.monotonic_s()
        with self._database.transaction() as conn:
            synthetic.close_stale_test(conn, now=began)  # of a page that came too late
            synthetic.prune(conn, now=began)
        self._acked.clear()
        self._seq = max(self._seq + 1, int(began.timestamp() * 1_000_000))
        body = {"seq": self._seq, "type": "sos.test", "at": began.isoformat()}
        topic = str(Topic(SYNTHETIC_DEVICE, Kind.ALARM))
        self._session.publish(topic, json.dumps(body).encode(), qos=1)
        if not self._acked.wait(ACK_WITHIN_S):
            self._record(began, None, None, f"no ack within {ACK_WITHIN_S:g} s")
            return
        acked_ms = round((self._clock.monotonic_s() - began_s) * 1000)
        paged_ms = self._wait_page(began, began_s)
        late = None if paged_ms is not None else f"no page within {PAGE_WITHIN_S:g} s"
        self._record(began, acked_ms, paged_ms, late)

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

    def _record(
        self, began: datetime, acked_ms: int | None, paged_ms: int | None, failure: str | None
    ) -> None:
        if self._stop.is_set():
            return
        with self._database.transaction() as conn:
            synthetic.record_check(
                conn,
                started_at=began,
                acked_ms=acked_ms,
                paged_ms=paged_ms,
                ok=failure is None,
                detail=failure or "",
            )
            if failure:
                _log.error("the synthetic SOS failed", detail=failure)
                now = self._clock.now()
                synthetic.page_engineers(conn, now=now, settings=self._settings, reason=failure)
