"""The judge of detectors: what was there against what was said, to numbers. Pure: no I/O, no clock.

Times are seconds of capture time since the start of the run, boxes are fractions of the picture
as (x, y, w, h).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Box = tuple[float, float, float, float]

OVERLAP = 0.2  # intersection over union; a box around a neighbour or the whole picture has less
EVIDENCE_S = 5.0  # a finding's box is of the picture that shows them best, up to 5 s old
GRACE_S = 1.0  # a finding this late after somebody left was still about them
FAULT_WITHIN_S = 15.0
FAULT_AFTER_S = 15.0  # what a camera says of a fault so soon after it has passed is no false alarm
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Stay:
    """Truth of one person in view from `enter_s` to `exit_s`.

    `due_s` is when an alarm of loitering is due by the rule, None for who only passes; from
    `soonest_s` on (not given: `due_s`) it is right. With `doubtful` the stay ends so near the
    threshold that either answer is right. `path` holds
    where they are as (time, box), by rising time; empty where the truth has no boxes, one entry
    where one box stands for the whole stay.
    """

    enter_s: float
    exit_s: float
    due_s: float | None = None
    path: tuple[tuple[float, Box], ...] = ()
    doubtful: bool = False
    soonest_s: float | None = None

    def boxes(self, from_s: float, to_s: float) -> list[Box]:
        """Return where they are between two times, the nearest entry where there is none."""
        near = [box for at_s, box in self.path if from_s <= at_s <= to_s]
        return near or [min(self.path, key=lambda entry: abs(entry[0] - to_s))[1]]


@dataclass(frozen=True, slots=True)
class Fault:
    """Truth of one fault of the camera; `kind` as in `camera.<kind>`, `also` other right names."""

    kind: str
    start_s: float
    end_s: float
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Truth:
    """What happens in one run. The person at the edges of a stay is hard to place: frames
    within `edge_s` of one are not counted. `blind` are spans in which nobody could be seen.
    """

    duration_s: float
    stays: tuple[Stay, ...] = ()
    faults: tuple[Fault, ...] = ()
    edge_s: float = 0.0
    blind: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What was said of one frame: is somebody there?"""

    at_s: float
    present: bool


@dataclass(frozen=True, slots=True)
class Alarm:
    """One finding of loitering (`loiter.started`)."""

    at_s: float
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """One finding about the camera itself, restores left out."""

    at_s: float
    kind: str


@dataclass(slots=True)
class Presence:
    """Frames by what was there and what was said."""

    hits: int = 0
    misses: int = 0
    false: int = 0
    quiet: int = 0

    def add(self, other: Presence) -> None:
        self.hits += other.hits
        self.misses += other.misses
        self.false += other.false
        self.quiet += other.quiet

    @property
    def precision(self) -> float | None:
        """Share of the flagged frames that show somebody; None when none is flagged."""
        return _share(self.hits, self.hits + self.false)

    @property
    def recall(self) -> float | None:
        return _share(self.hits, self.hits + self.misses)

    @property
    def fpr(self) -> float | None:
        """Share of the empty frames that are flagged."""
        return _share(self.false, self.false + self.quiet)


@dataclass(slots=True)
class Loitering:
    """Loiterers by whether they were found. `doubled` are further alarms about somebody already
    reported; `delays_s` counts from the moment the alarm was due.
    """

    true: int = 0
    found: int = 0
    false: int = 0
    doubled: int = 0
    delays_s: list[float] = field(default_factory=list)
    false_at_s: list[float] = field(default_factory=list)
    missed_at_s: list[float] = field(default_factory=list)

    def add(self, other: Loitering) -> None:
        self.true += other.true
        self.found += other.found
        self.false += other.false
        self.doubled += other.doubled
        self.delays_s += other.delays_s

    @property
    def f1(self) -> float | None:
        return _share(2 * self.found, self.true + self.found + self.false)

    @property
    def delay_s(self) -> float | None:
        """The worst delay."""
        return round(max(self.delays_s), 2) if self.delays_s else None


@dataclass(slots=True)
class Health:
    """Faults of cameras by whether they were told within `FAULT_WITHIN_S`; `named` of those
    found were called what they are, of `restored` the end was told too.
    """

    true: int = 0
    found: int = 0
    false: int = 0
    named: int = 0
    restored: int = 0
    delays_s: list[float] = field(default_factory=list)

    def add(self, other: Health) -> None:
        self.true += other.true
        self.found += other.found
        self.false += other.false
        self.named += other.named
        self.restored += other.restored
        self.delays_s += other.delays_s


def judge_presence(truth: Truth, looks: Sequence[Look]) -> Presence:
    """Compare frame by frame."""
    score = Presence()
    for look in looks:
        at_s = look.at_s
        edges = (edge for stay in truth.stays for edge in (stay.enter_s, stay.exit_s))
        if truth.edge_s and any(abs(at_s - edge) <= truth.edge_s + 1e-6 for edge in edges):
            continue
        if any(start <= at_s <= end for start, end in truth.blind):
            continue
        if any(stay.enter_s <= at_s < stay.exit_s for stay in truth.stays):
            score.hits += look.present
            score.misses += not look.present
        else:
            score.false += look.present
            score.quiet += not look.present
    return score


def judge_loitering(truth: Truth, alarms: Sequence[Alarm]) -> Loitering:
    """Give each alarm to the people it can be about.

    One alarm may find several people who stand together in one box, if it is right about one of
    them: the others will be seen with them, and need no alarm of their own. An alarm sooner than
    right (by more than `GRACE_S`), after its person left, or beside them, is false.
    """
    score = Loitering(true=sum(_counts(stay) for stay in truth.stays))
    found: dict[int, float] = {}
    for alarm in sorted(alarms, key=lambda alarm: alarm.at_s):
        about = [at for at, stay in enumerate(truth.stays) if _is_about(alarm, stay)]
        if about:
            about = [at for at, stay in enumerate(truth.stays) if _shows(alarm, stay)]
        news = [at for at in about if at not in found]
        if not about:
            score.false += 1
            score.false_at_s.append(alarm.at_s)
        elif not news:
            score.doubled += 1
        found.update(dict.fromkeys(news, alarm.at_s))
    for at, stay in enumerate(truth.stays):
        if not _counts(stay):
            continue
        if at in found and stay.due_s is not None:
            score.found += 1
            score.delays_s.append(found[at] - stay.due_s)
        else:
            score.missed_at_s.append(stay.enter_s)
    return score


def judge_health(
    truth: Truth, complaints: Sequence[Complaint], restored_s: Sequence[float] = ()
) -> Health:
    """Compare the camera's faults with what was said of them; any name finds a fault.
    `restored_s` is when a camera was said to be well again.
    """
    score = Health(true=len(truth.faults))
    for fault in truth.faults:
        told = [c for c in complaints if fault.start_s <= c.at_s <= fault.start_s + FAULT_WITHIN_S]
        if told:
            score.found += 1
            score.named += any(c.kind in (fault.kind, *fault.also) for c in told)
            score.restored += any(at_s >= fault.end_s for at_s in restored_s)
            score.delays_s.append(min(c.at_s for c in told) - fault.start_s)
    score.false = sum(
        not any(fault.start_s <= c.at_s <= fault.end_s + FAULT_AFTER_S for fault in truth.faults)
        for c in complaints
    )
    return score


def per_day(count: int, watched_s: float) -> float | None:
    """Return how often that is a day."""
    return round(count * _DAY_S / watched_s, 3) if watched_s > 0 else None


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(wide, 0.0) * max(high, 0.0)
    whole = one[2] * one[3] + other[2] * other[3] - common
    return common / whole if whole > 0 else 0.0


def _counts(stay: Stay) -> bool:
    return stay.due_s is not None and not stay.doubtful


def _is_about(alarm: Alarm, stay: Stay) -> bool:
    soonest_s = stay.due_s if stay.soonest_s is None else stay.soonest_s
    return soonest_s is not None and soonest_s - GRACE_S <= alarm.at_s and _shows(alarm, stay)


def _shows(alarm: Alarm, stay: Stay) -> bool:
    """Whether somebody who loiters, by now or later, is where the alarm points."""
    if stay.due_s is None or not stay.enter_s <= alarm.at_s <= stay.exit_s + GRACE_S:
        return False
    if alarm.box is None or not stay.path:
        return True
    there = stay.boxes(alarm.at_s - EVIDENCE_S, alarm.at_s)
    return any(overlap(alarm.box, box) >= OVERLAP for box in there)


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
