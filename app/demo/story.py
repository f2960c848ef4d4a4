"""The story, played by simulated devices and pagers over the wire, and what must come of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from alerts import board
from app.accounts import tokens, users
from app.demo import homes
from app.demo.expectations import Expectations
from app.demo.timeline import Timeline
from core import sql
from core.clock import Clock
from core.database import Connection, Database
from core.errors import TemporaryError
from core.settings import Settings
from simulators.button import Button
from simulators.camera import DoorCamera
from simulators.pager import Pager, ReceivedPage
from simulators.replay import Replay
from simulators.scene import Scene
from simulators.source import Source

ENDS_AFTER_S = 80.0
_LEAD_IN_S = 8.0  # the empty scene before the film
_FPS = 5.0
_SOS_AT_S = 4.0
_ENTRY_AT_S = 2.0
_TURN_S = 0.1
_LEARN_S = 1.0  # the broker learns of new devices, the detectors of their configuration
_ONLINE_WITHIN_S = 20.0
_QUERIES = sql.load("app.demo")


class Story:
    """Plays once; `expectations` holds the outcome."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        *,
        video: Path | None,
        suffix: str,
        tell: Callable[[str], None],
        stop: threading.Event,
        at_end: Callable[[str], None] | None = None,
    ) -> None:
        self._cast = homes.Cast(suffix)
        self._settings = settings
        self._database = database
        self._clock = clock
        self._tell = tell
        self._stop = stop
        self._at_end = at_end
        self._timeline = Timeline(
            tell,
            [character.home.household_id for character in self._cast.characters],
            settings.timezone,
        )
        self._source: Source = (
            Replay(video, lead_in_s=_LEAD_IN_S, loop=True)
            if video
            else Scene(empty_s=_LEAD_IN_S, stays=((0.0, 40.0), (60.0, 25.0)))
        )
        self.expectations = Expectations()
        self._pressed_at: datetime | None = None
        self._sos_seq: int | None = None

    def play(self, *, once: bool) -> None:
        """Set the stage, play, and return when all held, at the time limit, or when stopped.

        Without `once` it goes on until stopped.
        """
        cast, now = self._cast, self._clock.now()
        pagers = [Pager("", on_page=self._on_page) for _ in homes.RESPONDERS]
        with self._database.transaction() as conn:
            homes.check_stage(conn)
            credentials = homes.enrol(conn, cast, self._settings, now)
            secrets = homes.hire(conn, cast, [pager.url for pager in pagers], now)
            for pager, secret in zip(pagers, secrets, strict=True):
                pager.secret = secret
            users.add_user(conn, cast.resident, "resident", [cast.entry.home.household_id])
            token = tokens.issue_token(conn, cast.resident, now, days=1)
            watched = [cast.loiter.home.household_id]
            password = users.add_user(conn, cast.watched, "resident", watched)
        self._tell(f"  resident's page   {self._settings.public_url}/home")
        self._tell(f"    sign in as      {cast.watched}   password {password}")
        button = Button(credentials[cast.sos.device])
        door = DoorCamera(credentials[cast.loiter.device], self._source, fps=_FPS)
        entry = DoorCamera(credentials[cast.entry.device])
        devices = [button, door, entry]
        try:
            for pager in pagers:
                pager.start()
            self._stop.wait(_LEARN_S)
            for device in devices:
                device.start()
            for device in devices:
                if not device.wait_online(_ONLINE_WITHIN_S):
                    raise TemporaryError(f"{device.id} could not connect to the broker")
            self._tell("on stage: three homes, their devices online, three responders on shift")
            self._run(button, door, entry, token, once=once)
        finally:
            for device in devices:
                device.stop()
            for pager in pagers:
                pager.stop()
            with self._database.transaction() as conn:
                homes.leave(conn, cast, self._clock.now())

    def _on_page(self, page: ReceivedPage) -> None:
        body = page.body
        if page.message != "page":
            return
        if self._pressed_at and body["incident"]["kind"] == "sos":
            ms = (self._clock.now() - self._pressed_at).total_seconds() * 1000
            self.expectations.hold("sos_paged", ms, body["responder"]["name"])
        self._tell(
            f"PAGER     {body['responder']['name']}: P{body['incident']['priority']} "
            f"{body['incident']['kind']} at {body['household']['address']}, "
            f"{body['distance_m']:.0f} m away"
        )

    def _run(
        self, button: Button, door: DoorCamera, entry: DoorCamera, token: str, *, once: bool
    ) -> None:
        began_s = self._clock.monotonic_s()
        sent: dict[str, list[int]] = {button.id: [], door.id: [], entry.id: []}
        todo: list[tuple[float, Callable[[], None]]] = [
            (_ENTRY_AT_S, lambda: self._come_home(entry, sent)),
            (_SOS_AT_S, lambda: self._press(button, sent)),
        ]
        ended = False
        while not self._stop.is_set():
            gone_s = self._clock.monotonic_s() - began_s
            while todo and todo[0][0] <= gone_s:
                todo.pop(0)[1]()
            with self._database.transaction() as conn:
                self._check(conn, button)
                self._timeline.follow(conn)
                if not todo:
                    self._check_rows(conn, [button, door, entry], sent)
            if sent[entry.id] and not self.expectations.holds("entry_in_history"):
                self._check_history(token, sent[entry.id])
            if not ended and (self.expectations.ok or gone_s > ENDS_AFTER_S):
                ended = True
                if self._at_end is not None:
                    self._at_end(self._cast.sos.home.household_id)
                if once:
                    return
                self._tell("the story has played; everything keeps running until Ctrl-C")
            self._stop.wait(_TURN_S)

    def _come_home(self, entry: DoorCamera, sent: dict[str, list[int]]) -> None:
        self._timeline.causes[self._cast.entry.home.household_id] = self._clock.now()
        self._tell("Park Min-ho comes home: key pad, door opens and closes")
        data = {"method": "keypad", "user": self._cast.resident}
        for type_, body in (
            ("door.unlocked", data),
            ("door.opened", {}),
            ("door.closed", {}),
            ("door.locked", {}),
        ):
            sent[entry.id].append(entry.door_event(type_, body))

    def _press(self, button: Button, sent: dict[str, list[int]]) -> None:
        self._pressed_at = self._clock.now()
        self._timeline.causes[self._cast.sos.home.household_id] = self._pressed_at
        self._tell("Kim Sun-ja presses her SOS button")
        self._sos_seq = button.press()
        sent[button.id].append(self._sos_seq)

    def _check(self, conn: Connection, button: Button) -> None:
        hold = self.expectations.hold
        if self._sos_seq is not None and (ms := button.wait_acked(self._sos_seq, 0)) is not None:
            if not self.expectations.holds("sos_acked"):
                self._tell(f"the button's lamp lights: help is informed ({ms:.0f} ms)")
            hold("sos_acked", ms)
        for row in conn.execute(_QUERIES["accepted_pages"]).fetchall():
            ours = row["household_id"] == self._cast.sos.home.household_id
            if ours and row["kind"] == "sos" and self._pressed_at:
                waited = row["answered_at"] - self._pressed_at
                hold("page_accepted", waited.total_seconds() * 1000, row["responder_id"])
        household = self._cast.loiter.home.household_id
        found = conn.execute(_QUERIES["loiter_found"], {"household_id": household}).fetchone()
        if found:
            since = datetime.fromisoformat(found["data"]["since"]).astimezone(UTC)
            self._timeline.causes.setdefault(household, since)
            hold("loiter_found", (found["received_at"] - since).total_seconds() * 1000)
            for card in board.queue(conn, self._clock.now()):
                if card.household_id == household and card.evidence:
                    ms = (self._clock.now() - found["received_at"]).total_seconds() * 1000
                    hold("loiter_incident_on_board", ms)

    def _check_history(self, token: str, seqs: list[int]) -> None:
        household = self._cast.entry.home.household_id
        url = f"http://{self._settings.http_host}:{self._settings.http_port}"
        try:
            answer = httpx.get(
                f"{url}/v1/households/{household}/events",
                headers={"Authorization": f"Bearer {token}"},
                timeout=5.0,
            )
        except httpx.HTTPError as error:
            self.expectations.fail("entry_in_history", str(error))
            return
        if answer.status_code != httpx.codes.OK:
            self.expectations.fail("entry_in_history", answer.text[:200])
            return
        items: list[dict[str, Any]] = answer.json()["items"]
        if {item["seq"] for item in items if item["type"].startswith("door.")} >= set(seqs):
            cause = self._timeline.causes[household]
            ms = (self._clock.now() - cause).total_seconds() * 1000
            self._tell("the resident's API shows the evening: unlocked, opened, closed, locked")
            self.expectations.hold("entry_in_history", ms)

    def _check_rows(self, conn: Connection, devices: list[Any], sent: dict[str, list[int]]) -> None:
        """Compare what devices sent with what is stored: each once, none missing."""
        rows = conn.execute(_QUERIES["stored_seqs"], {"devices": list(sent)}).fetchall()
        stored = {row["device_id"]: row["seqs"] for row in rows}
        lost = [
            (device.id, seq)
            for device in devices
            for seq in sent[device.id]
            if seq not in stored.get(device.id, [])
        ]
        doubled = [name for name, seqs in stored.items() if len(seqs) != len(set(seqs))]
        if lost or any(device.unacked for device in devices):
            self.expectations.fail("no_event_lost", f"not stored yet: {lost}")
            return
        self.expectations.hold("no_event_lost", detail=f"{sum(map(len, sent.values()))} events")
        if doubled:
            self.expectations.fail("no_duplicate", f"stored twice: {doubled}")
        else:
            self.expectations.hold("no_duplicate")
