"""Camera health of one camera: looks at its pictures, and says what is wrong with it.

While all is well a cheap look, twice a second, decides whether a close one is worth its cost; there
is one each second anyhow. Nothing is learnt while anything is suspected.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.frames import Frame
from detectors.decode import Grey
from detectors.health_freeze import Freeze
from detectors.health_measures import Glance
from detectors.health_scenery import Scenery
from detectors.health_signs import CONTRAST, LIKE, Sign
from detectors.health_states import HOLD_S, Course, Ill, Say, State

LEARNT_S = 60.0  # a camera that was moved and stays so: its view is the usual one now
_GLANCE_EVERY_S = 0.4
_CALM_EVERY_S = 1.0
_CLOSE_EVERY_S = 0.19  # under suspicion
_STILL_S = 2.0  # a picture that is repeated for less is a doubled frame
_GAP_US = 30_000_000

_BLINDING = frozenset({Ill.COVERED, Ill.DARK, Ill.FROZEN, Ill.NO_FRAMES})  # nothing to be seen
_ALTERING = frozenset({Ill.DEFOCUSED, Ill.MOVED})  # another scene, to be watched instead
_HIDDEN = frozenset({Ill.COVERED, Ill.DEFOCUSED, Ill.MOVED})  # so looks who stands near too
_NEAR_US = 3_000_000  # who stays so near for longer, with nothing to be seen of them, is a cover
_PICTURELESS = frozenset({Ill.FROZEN, Ill.NO_FRAMES})


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be reported: `fault`, which began at `since_us`, or with `ended` its end; with
    `learnt` it ended because what the camera sees is the usual thing now. `shift` is how far the
    scene stands beside its place (right, down, in parts of the width).
    """

    fault: Ill
    since_us: int
    ended: bool = False
    learnt: bool = False
    shift: tuple[float, float] | None = None

    @property
    def alters(self) -> bool:
        """Whether the camera goes on, with another scene before it."""
        return not self.ended and self.fault in _ALTERING


@dataclass(slots=True)
class Health:
    """The health of one camera, for frames in the order of capture. `well_us` is when the newest
    picture was taken that was looked at closely and showed that all is well.
    """

    course: Course = field(default_factory=Course)
    well_us: int | None = None
    _scenery: Scenery = field(default_factory=Scenery)
    _freeze: Freeze = field(default_factory=Freeze)
    _altered: bool = False
    _newest_us: int | None = None
    _glanced_us: int = 0
    _looked_us: int = 0
    _strange_us: int | None = None
    _hidden_us: int | None = None

    @property
    def blind(self) -> bool:
        """Whether what is seen now says nothing of people, and must not be learnt."""
        course = self.course
        if course.state is State.FAULTY:
            return course.told in _BLINDING
        if course.state is State.MENDING:
            return self._altered
        # a picture that is repeated shows who was there; a film may repeat an empty scene for long
        return course.state is State.SUSPECT and course.kind is not Ill.FROZEN

    def forget(self) -> None:
        """The picture has another size or mask: nothing learnt holds."""
        self._scenery.forget()
        self._freeze = Freeze()

    def silence(self, now_us: int) -> Told | None:
        """No frame has come since the newest; `now_us` is the present by the camera's clock."""
        if self._newest_us is None or now_us - self._newest_us < HOLD_S[Ill.NO_FRAMES] * 1e6:
            return None
        return self._step(now_us, Ill.NO_FRAMES, self._newest_us)

    def look(self, frame: Frame, grey: Grey, *, somebody: bool = False) -> Told | None:
        """Take the next picture, (h, w) uint8; return what is to be told. `somebody` says that
        who is being followed hides a large part of the scene.
        """
        at_us = frame.captured_at_us
        still_us = self._freeze.look(grey, at_us)
        if self._newest_us is None or not 0 < at_us - self._newest_us <= _GAP_US:
            self.course.restart(at_us)
            self._scenery.break_off()
            self._looked_us = self._glanced_us = at_us - int(_CALM_EVERY_S * 1e6)
        self._newest_us = at_us
        calm = self.course.state is State.WELL and still_us is None
        if calm and at_us - self._glanced_us < _GLANCE_EVERY_S * 1e6:
            return None
        self._glanced_us = at_us
        seen = self._scenery.glance(frame, grey)
        calm = calm and seen.likeness >= LIKE and seen.contrast >= CONTRAST
        step_us = at_us - self._looked_us
        if step_us < (_CALM_EVERY_S if calm else _CLOSE_EVERY_S) * 1e6:
            return None
        told = self._judge(frame, grey, seen, still_us, step_us, somebody=somebody)
        self._looked_us = at_us
        self._scenery.pass_by(grey, at_us)
        return told

    def _judge(
        self,
        frame: Frame,
        grey: Grey,
        seen: Glance,
        still_us: int | None,
        step_us: int,
        *,
        somebody: bool,
    ) -> Told | None:
        at_us = frame.captured_at_us
        if self._scenery.is_home(frame, grey):
            return self._step(at_us, None)
        sign = self._scenery.read(frame, grey, seen, ill=self.course.state is not State.WELL)
        since_us: int | None = None
        if somebody and sign in _HIDDEN and self.course.state is State.WELL:
            self._hidden_us = at_us if self._hidden_us is None else self._hidden_us
            since_us = min(self._hidden_us + _NEAR_US, at_us)
            if at_us < self._hidden_us + _NEAR_US:
                sign = Sign.BUSY
        else:
            self._hidden_us = None
        if self._scenery.swung:
            self.course.restart(at_us)
        if isinstance(sign, Ill):
            again = sign is Ill.MOVED and self.course.told is Ill.MOVED
            return self._move_again(at_us) if again else self._step(at_us, sign, since_us)
        if still_us is not None and at_us - still_us >= _STILL_S * 1e6:
            return self._step(at_us, Ill.FROZEN, still_us)
        if self._may_learn(sign) and self._is_usual(sign, at_us) and not somebody:
            self._scenery.learn(frame, grey, seen)
        if self._is_doubtful(sign):
            self.course.wait(step_us)
            return None
        if self.course.told is Ill.MOVED:
            return self._settle(frame)
        return self._be_well(frame, sign)

    def _be_well(self, frame: Frame, sign: Sign) -> Told | None:
        told = self._step(frame.captured_at_us, None)
        if sign is Sign.WELL and self.course.state is State.WELL:
            self.well_us = frame.captured_at_us
            self._scenery.calm()
        return told

    def _is_doubtful(self, sign: Sign) -> bool:
        """Whether a look says nothing, neither for the camera nor against it."""
        if sign is Sign.BUSY:  # somebody at the lens: no fault, and no proof that one is over
            return self.course.told is not None
        # that pictures come and change is all that is asked for after these two
        return sign is Sign.UNKNOWN and self.course.told not in _PICTURELESS

    def _is_usual(self, sign: Sign, at_us: int) -> bool:
        """Whether it is not strange, or has been so for long."""
        if sign is not Sign.FAIR:
            self._strange_us = None
            return True
        self._strange_us = at_us if self._strange_us is None else self._strange_us
        return at_us - self._strange_us >= LEARNT_S * 1e6

    def _may_learn(self, sign: Sign) -> bool:
        """Nothing is learnt under suspicion, nor under a fault that hides the scene."""
        told = self.course.told
        if sign in (Sign.WELL, Sign.FAIR):
            return self.course.state is State.WELL or told is Ill.MOVED
        free = told in (None, Ill.MOVED, *_PICTURELESS)
        return sign is Sign.UNKNOWN and (free or self._scenery.unknown)

    def _move_again(self, at_us: int) -> Told | None:
        """The new view is gone too: after a while that is told once more."""
        if self._strange_us is None:
            self._strange_us = at_us
        since_us = self._strange_us
        if at_us - since_us < HOLD_S[Ill.MOVED] * 1e6:
            return self._step(at_us, Ill.MOVED)
        self._strange_us = None
        self._scenery.leave()
        return Told(Ill.MOVED, since_us, shift=self._scenery.shift)

    def _settle(self, frame: Frame) -> Told | None:
        """The new view is there; after a while it is the usual one."""
        if self._scenery.age_s(infrared=frame.infrared) < LEARNT_S:
            return self._step(frame.captured_at_us, Ill.MOVED)
        since_us = self.course.since_us
        self.course.end()
        return self._end(Ill.MOVED, since_us, home=False)

    def _step(self, at_us: int, ill: Ill | None, since_us: int | None = None) -> Told | None:
        ending, began_us = self.course.told, self.course.since_us
        say = self.course.step(at_us, ill, since_us)
        fault = self.course.told
        if say is Say.FAULT and fault is not None:
            self._altered = self._altered or fault in _ALTERING
            shift = None
            if fault is Ill.MOVED:
                self._scenery.leave()
                shift = self._scenery.shift
            return Told(fault, self.course.since_us, shift=shift)
        if say is Say.RESTORED and ending is not None:
            return self._end(ending, began_us, home=ending is Ill.MOVED)
        return None

    def _end(self, fault: Ill, since_us: int, *, home: bool) -> Told:
        """End a fault; the camera is where it was, unless it was moved and is not `home`."""
        learnt = self._scenery.moved and not home
        self._scenery.settle(home=home)
        self._altered = False
        return Told(fault, since_us, ended=True, learnt=learnt)
