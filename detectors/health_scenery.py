"""Camera health: what one camera sees when it is well, learnt for day and infrared apart, and what
a picture says against it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import dist, exp

from core.frames import Frame
from detectors.decode import Grey
from detectors.health_measures import Glance, Reference, glance, learn, look, shift
from detectors.health_signs import LIKE, Sign, read, read_blank
from detectors.health_states import Ill

WARM_UP_S = 4.0  # of a scene, before anything is held against it
_TAU_S = 120.0
_YOUNG_EVERY_S, _EVERY_S = 1.0, 4.0
_LIFE_US = 900_000
_SETTLE_S = 1.5  # after the filter has swung in or out
_NUDGE = 0.015  # of the width: shaken by the door, no more
_SWAY = 0.012  # of the width, from look to look: it swings


@dataclass(slots=True)
class Scenery:
    """Not for a picture of another size: `forget` first. `shift` is how far the scene was last
    seen beside its place (right, down, in parts of the width); `swung` says that it had been seen
    elsewhere the time before.
    """

    shift: tuple[float, float] | None = None
    swung: bool = False
    _references: dict[bool, Reference] = field(default_factory=dict)
    _home: dict[bool, Reference] = field(default_factory=dict)  # before the camera was moved
    _before: Grey | None = None
    _before_us: int = 0
    _infrared: bool = False
    _switched_us: int | None = None
    _learnt_us: int = 0
    _sliding: bool = False

    @property
    def unknown(self) -> bool:
        """Whether no view has been learnt yet."""
        return all(view.age_s < WARM_UP_S for view in self._references.values())

    @property
    def moved(self) -> bool:
        """Whether the view is another one than that of before a fault."""
        return bool(self._home)

    def age_s(self, *, infrared: bool) -> float:
        """Return how long the view has been watched while it was well."""
        reference = self._references.get(infrared)
        return 0.0 if reference is None else reference.age_s

    def forget(self) -> None:
        """Nothing learnt holds."""
        self._references, self._home, self._before = {}, {}, None

    def glance(self, frame: Frame, grey: Grey) -> Glance:
        """Take the cheap look at a picture, (h, w) uint8."""
        if frame.infrared != self._infrared:
            self._infrared, self._switched_us = frame.infrared, frame.captured_at_us
            self._before = None
        return glance(grey, self._references.get(frame.infrared))

    def read(self, frame: Frame, grey: Grey, seen: Glance, *, ill: bool) -> Ill | Sign:
        """Take the close look; `ill` says that the camera is at fault or under suspicion."""
        self.swung = False
        switched_us, at_us = self._switched_us, frame.captured_at_us
        if switched_us is not None and at_us - switched_us < _SETTLE_S * 1e6:
            return Sign.UNKNOWN
        reference = self._references.get(frame.infrared)
        if reference is None or reference.age_s < WARM_UP_S:
            return read_blank(seen)
        close = look(grey, self._before, seen, reference)
        self._sliding = self._sliding or close.sliding
        sign = read(seen, close, ill=ill, sliding=self._sliding)
        if sign not in (Sign.SHIFTED, Sign.ELSEWHERE):
            return sign
        otherwise = Sign.FAIR if sign is Sign.SHIFTED else Ill.MOVED
        return self._elsewhere(grey, reference, otherwise)

    def is_home(self, frame: Frame, grey: Grey) -> bool:
        """Whether a camera that was moved looks again where it looked before."""
        home = self._home.get(frame.infrared)
        if home is None:
            return False
        seen = glance(grey, home)
        if seen.likeness < LIKE:
            return False
        sign = read(seen, look(grey, self._before, seen, home), ill=True)
        return sign in (Sign.WELL, Sign.FAIR)

    def pass_by(self, grey: Grey, at_us: int) -> None:
        """Keep a picture to compare later ones with: within a second the living stir."""
        if self._before is None or at_us - self._before_us >= _LIFE_US:
            self._before, self._before_us = grey, at_us

    def break_off(self) -> None:
        """The next picture has nothing to do with the one before."""
        self._before = None

    def calm(self) -> None:
        """All is well: what was suspected is over."""
        self._sliding, self.shift = False, None

    def learn(self, frame: Frame, grey: Grey, seen: Glance) -> None:
        """Take a picture of the well camera, as often as is worth its cost."""
        old = self._references.get(frame.infrared)
        since_s = (frame.captured_at_us - self._learnt_us) / 1e6
        step_s = min(since_s, _EVERY_S) if since_s > 0 else _YOUNG_EVERY_S
        young = old is None or old.age_s < 2 * WARM_UP_S
        if step_s < (_YOUNG_EVERY_S if young else _EVERY_S) - 0.05:
            return
        self._learnt_us = frame.captured_at_us
        age_s = 0.0 if old is None else old.age_s
        rate = max(1.0 - exp(-step_s / _TAU_S), step_s / (age_s + 2 * step_s))
        self._references[frame.infrared] = learn(grey, self._before, seen, old, rate, step_s)

    def leave(self) -> None:
        """The camera was moved: learn another view, and keep the first."""
        self._home = self._home or self._references
        self._references = {}

    def settle(self, *, home: bool) -> None:
        """The move is over: `home` again, or what is seen now is the usual view."""
        if home and self._home:
            self._references = self._home
        self._home = {}

    def _elsewhere(self, grey: Grey, reference: Reference, otherwise: Ill | Sign) -> Ill | Sign:
        """Tell a moved camera from one that trembles or swings; `otherwise` where no shift
        explains the picture.
        """
        found = shift(grey, reference)
        if found is None:
            return otherwise
        beside = found[0] / grey.shape[1], found[1] / grey.shape[1]
        if dist(beside, (0.0, 0.0)) < _NUDGE:
            return Sign.FAIR
        self.swung = self.shift is not None and dist(beside, self.shift) > _SWAY
        self.shift = beside
        return Ill.MOVED
