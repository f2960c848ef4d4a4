"""What alarms processes side by side tell each other, by the direct road, without the database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import msgspec

from alerts.lifeline.records import AlarmKey
from app.processes.turns import SAY_EVERY_S, Turns
from core.clock import Clock
from core.errors import BrokerAway
from core.ports import Message
from core.telemetry import logger
from core.topics import ALARMS_CARRIED, ALARMS_HOLDING

PEER_TOPICS = (ALARMS_HOLDING, ALARMS_CARRIED)
CARRY_SAID_EVERY_S = 1.0
CARRIED_FOR_S = 4.0  # since it was said last
_REMEMBERED = 20_000
_log = logger(__name__)


class _Holding(msgspec.Struct, frozen=True):
    """`name` holds the stored session; or, having just started, asks who does."""

    name: str
    asks: bool = False


class _CarriedBy(msgspec.Struct, frozen=True):
    """The lifeline of `name` has these on disk and pages for them."""

    name: str
    alarms: list[AlarmKey]


_HOLDING: msgspec.json.Decoder[_Holding | _CarriedBy] = msgspec.json.Decoder(_Holding)
_CARRIED: msgspec.json.Decoder[_Holding | _CarriedBy] = msgspec.json.Decoder(_CarriedBy)


class Peers:
    """One process among those of its kind; safe from any thread. `publish` sends at QoS 0."""

    def __init__(self, name: str, clock: Clock, publish: Callable[[str, bytes], None]) -> None:
        self._name = name
        self._clock = clock
        self._publish = publish
        self._lock = threading.Lock()
        self._turns = Turns(clock.monotonic_s())
        self._asked = False
        self._said_s = float("-inf")
        self._elsewhere: dict[AlarmKey, float] = {}  # when it was said last

    @property
    def holding(self) -> bool:
        """Whether this process holds the stored session."""
        return self._turns.holding

    def behind(self) -> bool:
        """Say whether another process comes first."""
        with self._lock:
            return self._turns.behind(self._clock.monotonic_s())

    def ask(self) -> None:
        """Ask who holds the session, once; while the broker is away it is asked again."""
        if not self._asked:
            self._asked = self._say(ALARMS_HOLDING, _Holding(self._name, asks=True))
            with self._lock:
                self._turns.asked(self._clock.monotonic_s())

    def due(self) -> bool:
        """Say whether to take the stored session now."""
        with self._lock:
            return self._turns.due(self._clock.monotonic_s())

    def took(self) -> None:
        """Note that this process holds the session, and say so."""
        with self._lock:
            self._turns.holding = True
            self._said_s = float("-inf")
        self.say_holding()

    def lost(self) -> None:
        """Note that this process does not hold it, or could not have it."""
        with self._lock:
            self._turns.waits(self._clock.monotonic_s())

    def say_holding(self) -> None:
        """Say it where it is time to."""
        now_s = self._clock.monotonic_s()
        if now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            self._say(ALARMS_HOLDING, _Holding(self._name))

    def say_carried(self, alarms: Sequence[AlarmKey]) -> None:
        """Say, again each second, that these stand in our journal: no other shall page for them."""
        self._say(ALARMS_CARRIED, _CarriedBy(self._name, list(alarms)))

    def carried_elsewhere(self, alarm: AlarmKey) -> bool:
        """Say whether another process, which lives, pages for this alarm."""
        with self._lock:
            said_s = self._elsewhere.get(alarm, float("-inf"))
            return self._clock.monotonic_s() - said_s < CARRIED_FOR_S

    def hear(self, message: Message) -> None:
        """Take what came on a topic of `PEER_TOPICS`; our own words come back, too."""
        decoder = _HOLDING if message.topic == ALARMS_HOLDING else _CARRIED
        try:
            told = decoder.decode(message.payload)
        except msgspec.MsgspecError as error:  # of another version, while one replaces the other
            _log.error("another alarms process is not understood", error=str(error))
            return
        if told.name == self._name:
            return
        with self._lock:
            if isinstance(told, _Holding):
                if not told.asks:
                    self._turns.heard(self._clock.monotonic_s())
                elif self._turns.holding:
                    self._said_s = float("-inf")  # said again at the next turn
                return
            now_s = self._clock.monotonic_s()
            for alarm in told.alarms:
                self._elsewhere.pop(alarm, None)
                self._elsewhere[alarm] = now_s
            while len(self._elsewhere) > _REMEMBERED:
                del self._elsewhere[next(iter(self._elsewhere))]

    def _say(self, topic: str, what: msgspec.Struct) -> bool:
        try:
            self._publish(topic, msgspec.json.encode(what))
        except BrokerAway as error:  # then nobody hears alarms either
            _log.warning("other alarms processes were not told", error=str(error))
            return False
        return True
