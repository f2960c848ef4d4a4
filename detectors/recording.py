"""Stage 10: what of a stay is worth keeping, while it lasts: entry, largest view, alarm.

Pictures are remembered in memory alone; only an alarm makes a case of them, and nobody who just
passes by leaves one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from detectors.dwell import State
from detectors.evidence import KEEP_US, BoxFractions, Ring, Shot
from detectors.tracks import Track
from detectors.zone import Polygon

ENTRY, LARGEST, ALARM = "entry", "largest", "alarm"
AFTER_US = KEEP_US  # as long after a moment as before it
_SPACING_US = {ENTRY: 500_000, LARGEST: 1_000_000, ALARM: 0}
_MAX_BYTES = 8 << 20  # of one moment; at 5 fps and 150 KiB an alarm's ten seconds
_LARGER = 1.1  # times the area before it is a new largest view
_MOST = 4  # people remembered at once at one door
_PATH_SPACING_US = 500_000
_PATH_MOST = 1200  # ten minutes


@dataclass(slots=True)
class Moment:
    """The pictures around one time, thinned out."""

    name: str
    at_us: int
    shots: list[Shot] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, shot: Shot) -> None:
        at_us = shot.frame.captured_at_us
        if not self.at_us - AFTER_US <= at_us <= self.at_us + AFTER_US:
            return
        last_us = self.shots[-1].frame.captured_at_us if self.shots else None
        if last_us is not None and at_us - last_us < max(_SPACING_US[self.name], 1):
            return
        if self.size_bytes + len(shot.frame.jpeg) <= _MAX_BYTES:
            self.shots.append(shot)
            self.size_bytes += len(shot.frame.jpeg)


@dataclass(frozen=True, slots=True)
class Alarm:
    """The finding that made a case of a stay."""

    case: str
    event: str
    at_us: int
    since_us: int
    threshold_s: float
    zone: str


@dataclass(slots=True)
class Dossier:
    """What is remembered of one track's stay."""

    track: int
    entry: Moment
    largest: Moment
    area: float = 0.0
    alarm: Moment | None = None
    news: Alarm | None = None
    path: list[tuple[int, BoxFractions]] = field(default_factory=list)

    def moments(self) -> list[Moment]:
        return [one for one in (self.entry, self.largest, self.alarm) if one is not None]


@dataclass(frozen=True, slots=True)
class Filing:
    """A case to be stored: each picture with the moments it belongs to, in order of capture."""

    track: int
    alarm: Alarm
    shots: list[tuple[Shot, list[str]]]
    path: list[tuple[int, BoxFractions]]
    masks: tuple[Polygon, ...]
    complete: bool


class Recorder:
    """The dossiers of one camera. `look` after every frame, `alarm` when a stay becomes one."""

    def __init__(self) -> None:
        self.ring = Ring()
        self._dossiers: dict[int, Dossier] = {}
        self._done: list[Filing] = []

    def look(self, shot: Shot, tracks: Iterable[Track], masks: tuple[Polygon, ...]) -> None:
        """Take a picture and those who stand in it."""
        at_us = shot.frame.captured_at_us
        there = {track.number for track in tracks}
        for track in tracks:
            known = track.number in self._dossiers
            if not known and track.visit.state is State.PRESENT and len(self._dossiers) < _MOST:
                self._begin(track)
        for number, dossier in list(self._dossiers.items()):
            box = shot.boxes.get(number)
            if box is not None:
                self._see(dossier, at_us, box)
            for moment in dossier.moments():
                moment.add(shot)
            if dossier.alarm is None:
                if number not in there:  # gone without an alarm: nobody's business
                    del self._dossiers[number]
            elif at_us >= dossier.alarm.at_us + AFTER_US:
                self._finish(dossier, masks, complete=True)

    def alarm(self, track: int, news: Alarm) -> None:
        """A stay has become an alarm: from now on it is a case."""
        dossier = self._dossiers.get(track)
        if dossier is None:
            entry = Moment(ENTRY, news.since_us)
            dossier = self._dossiers[track] = Dossier(track, entry, Moment(LARGEST, news.at_us))
        if dossier.alarm is None:
            dossier.news = news
            dossier.alarm = self._around(ALARM, news.at_us)

    def close(self, masks: tuple[Polygon, ...]) -> None:
        """No picture will follow those that came: end the cases as they are, forget the rest."""
        for dossier in list(self._dossiers.values()):
            self._finish(dossier, masks, complete=False)
        self.ring.clear()

    def take(self) -> list[Filing]:
        """Return the cases that have ended since the last call."""
        done, self._done = self._done, []
        return done

    def _begin(self, track: Track) -> None:
        entry = self._around(ENTRY, track.visit.first_us)
        self._dossiers[track.number] = Dossier(track.number, entry, Moment(LARGEST, 0))

    def _see(self, dossier: Dossier, at_us: int, box: BoxFractions) -> None:
        if not dossier.path or (
            at_us - dossier.path[-1][0] >= _PATH_SPACING_US and len(dossier.path) < _PATH_MOST
        ):
            dossier.path.append((at_us, box))
        area = box["w"] * box["h"]
        if area > _LARGER * dossier.area:
            dossier.area = area
            dossier.largest = self._around(LARGEST, at_us)

    def _around(self, name: str, at_us: int) -> Moment:
        moment = Moment(name, at_us)
        for shot in self.ring:
            moment.add(shot)
        return moment

    def _finish(self, dossier: Dossier, masks: tuple[Polygon, ...], *, complete: bool) -> None:
        del self._dossiers[dossier.track]
        if dossier.news is None:
            return
        shots: dict[int, tuple[Shot, list[str]]] = {}
        for moment in dossier.moments():
            for shot in moment.shots:
                shots.setdefault(shot.frame.captured_at_us, (shot, []))[1].append(moment.name)
        ordered = [shots[at_us] for at_us in sorted(shots)]
        self._done.append(
            Filing(dossier.track, dossier.news, ordered, dossier.path, masks, complete)
        )
