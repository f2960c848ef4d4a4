"""Camera health: from what single looks say to what is told, as a table of states by capture time.

    well → suspect → faulty → mending → well

A fault is told when it has lasted as long as its kind asks, and ended when the camera has been well
again for `MEND_S`. No frame is counted: half a frame a second and fifteen give the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

LAPSE_S = 1.0  # well for so long: it was nothing
MEND_S = 5.0  # well for so long: it is over
SETTLE_S = 2.0  # one kind for so long, before it is the one that is told
_UNSETTLED_S = 4.0  # beyond the time of its kind, a fault is told by whatever name


class Ill(StrEnum):
    """What can be wrong with a camera."""

    COVERED = "covered"
    DEFOCUSED = "defocused"
    MOVED = "moved"
    FROZEN = "frozen"
    DARK = "dark"
    NO_FRAMES = "no_frames"


# each leaves room below 15 s for half a frame a second, one of them lost
HOLD_S = {
    Ill.COVERED: 9.0,  # longer than somebody stands with their face at the lens
    Ill.DEFOCUSED: 9.0,
    Ill.MOVED: 8.0,  # and the second in which everything moves
    Ill.FROZEN: 9.0,
    Ill.DARK: 9.0,
    Ill.NO_FRAMES: 12.0,  # longer than a network takes to connect anew
}


class State(Enum):
    """Where a camera stands."""

    WELL = auto()
    SUSPECT = auto()
    FAULTY = auto()
    MENDING = auto()


class Sign(Enum):
    """What holds after a look; `read` gives those, in this order."""

    ILL = auto()
    HELD = auto()
    CHANGED = auto()
    CLEAN = auto()
    LAPSED = auto()
    MENDED = auto()


class Say(Enum):
    """What is to be told."""

    FAULT = auto()
    RESTORED = auto()


# (state, sign) → (next state, what is told); what is not here changes nothing
MOVES: dict[tuple[State, Sign], tuple[State, Say | None]] = {
    (State.WELL, Sign.ILL): (State.SUSPECT, None),
    (State.SUSPECT, Sign.HELD): (State.FAULTY, Say.FAULT),
    (State.SUSPECT, Sign.LAPSED): (State.WELL, None),
    (State.FAULTY, Sign.CHANGED): (State.FAULTY, Say.FAULT),
    (State.FAULTY, Sign.CLEAN): (State.MENDING, None),
    (State.MENDING, Sign.ILL): (State.FAULTY, None),
    (State.MENDING, Sign.MENDED): (State.WELL, Say.RESTORED),
}


@dataclass(slots=True)
class Course:
    """The state of one camera, all times in µs of capture time. `told` is the fault told last and
    not yet over; `since_us` when it, or the suspicion, began; `kind` what the looks have said since
    `kind_us`, and `clean_us` since when they have said that all is well.
    """

    state: State = State.WELL
    told: Ill | None = None
    since_us: int = 0
    kind: Ill | None = None
    kind_us: int = 0
    clean_us: int | None = None

    def step(self, at_us: int, ill: Ill | None, since_us: int | None = None) -> Say | None:
        """Take what a look says, `ill` since `since_us` where that is known to be earlier; move
        through the table.
        """
        began_us = at_us if since_us is None else since_us
        if ill is None:
            if self.clean_us is None:
                self.clean_us = at_us
        else:
            self.clean_us = None
            if self.state is State.WELL:
                self.since_us = began_us
            if ill is not self.kind or self.state is State.WELL:
                self.kind, self.kind_us = ill, began_us
        said: Say | None = None
        for sign in self.read(at_us, ill):
            move = MOVES.get((self.state, sign))
            if move is None:
                continue
            self.state, say = move
            if say is Say.FAULT:
                self.since_us = self.kind_us if sign is Sign.CHANGED else self.since_us
                self.told = self.kind
            elif say is Say.RESTORED:
                self.told = None
            said = say or said
        return said

    def read(self, at_us: int, ill: Ill | None) -> list[Sign]:
        """Return the signs that hold; a pure reading of times."""
        if ill is None:
            clean_s = (at_us - (at_us if self.clean_us is None else self.clean_us)) / 1e6
            signs = [Sign.CLEAN]
            if clean_s >= LAPSE_S:
                signs.append(Sign.LAPSED)
            if clean_s >= MEND_S:
                signs.append(Sign.MENDED)
            return signs
        signs = [Sign.ILL]
        held_s, settled_s = (at_us - self.since_us) / 1e6, (at_us - self.kind_us) / 1e6
        hold_s = HOLD_S[ill]
        if held_s >= hold_s and (settled_s >= SETTLE_S or held_s >= hold_s + _UNSETTLED_S):
            signs.append(Sign.HELD)
        if ill is not self.told and settled_s >= hold_s:
            signs.append(Sign.CHANGED)
        return signs

    def wait(self, step_us: int) -> None:
        """Let time pass in which nothing can be said: what has lasted so far is not lengthened."""
        self.since_us += step_us if self.state is State.SUSPECT else 0
        self.kind_us += step_us
        if self.clean_us is not None:
            self.clean_us += step_us

    def end(self) -> None:
        """What was a fault is the usual thing now."""
        self.state, self.told, self.kind, self.clean_us = State.WELL, None, None, None

    def restart(self, at_us: int) -> None:
        """The clock jumped: every time begins now."""
        self.kind_us = at_us
        if self.state is State.SUSPECT:
            self.since_us = at_us
        if self.clean_us is not None:
            self.clean_us = at_us
