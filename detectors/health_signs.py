"""Camera health: what one look at a picture means. Pure; each threshold is in docs/detection.md."""

from __future__ import annotations

from enum import Enum, auto

from detectors.health_measures import Glance, Look
from detectors.health_states import Ill

LIKE = 0.5  # likeness and contrast below which a picture is worth a close look
CONTRAST = 0.4
_BLANK = 0.6  # grey levels of contrast between coarse cells: there is no picture
_BLACK = 10.0  # grey levels: no cover is so dark while there is light on it
_DARK = 24.0
_DARK_CONTRAST = 0.25
_SCENE = 0.35  # likeness: what is left of the picture is the scene
_BROAD = 0.7  # likeness: the scene is there on the coarse scale
_VEILED = 0.15  # contrast: through such a veil nobody is seen
_SMOOTH = 0.35  # share of the lost cells: a cover is too near to have structure
_LIVELY = 0.4
_STRANGE = 0.2
# (to become ill, to stay ill)
_LOST = (0.55, 0.35)
_BLURRED = (0.4, 0.3)
_SHARP = (0.6, 0.7)


class Sign(Enum):
    """What a look may say beside a fault."""

    WELL = auto()
    FAIR = auto()  # well, but much of it is not what was learnt
    BUSY = auto()  # somebody fills the picture
    SHIFTED = auto()  # the same view shifted, or else FAIR
    ELSEWHERE = auto()  # the same view shifted, or else another one
    UNKNOWN = auto()


def read_blank(seen: Glance) -> Ill | Sign:
    """Read a picture without a reference: all that can be told is that there is nothing in it."""
    if seen.structure >= _BLANK:
        return Sign.UNKNOWN
    return Ill.DARK if seen.level <= _BLACK else Ill.COVERED


def read(seen: Glance, close: Look, *, ill: bool, sliding: bool = False) -> Ill | Sign:
    """Read a look. `ill` says that the camera is at fault or under suspicion, `sliding` that
    something has come before the lens since.
    """
    if seen.contrast < _DARK_CONTRAST and seen.level <= _DARK:
        black = seen.level <= _BLACK and not sliding
        return Ill.DARK if black or seen.likeness >= _SCENE else Ill.COVERED
    if close.lost is None:
        return read_blank(seen)
    if seen.likeness >= _BROAD:
        return _read_broad(seen, close, close.lost, ill=ill)
    if close.lost < _STRANGE:
        return Sign.WELL
    return _read_gone(close, much=close.lost >= _LOST[ill])


def _read_gone(close: Look, *, much: bool) -> Ill | Sign:
    """Read a look in which part of the scene, or `much` of it, is gone."""
    sharp, still = close.own >= _SMOOTH, close.lively <= _LIVELY
    if not much:
        return Sign.SHIFTED if sharp and still else Sign.FAIR
    if not sharp:
        return Ill.COVERED
    return Sign.ELSEWHERE if still else Sign.BUSY


def _read_broad(seen: Glance, close: Look, lost: float, *, ill: bool) -> Ill | Sign:
    """Read a look that shows the scene, on the coarse scale at least: blurred, veiled, shaken?"""
    if seen.contrast < _VEILED:
        return Ill.COVERED
    if lost >= _BLURRED[ill] and close.sharpness < _SHARP[ill]:
        return Ill.DEFOCUSED
    shifted = lost >= _LOST[ill] and close.own >= _SMOOTH and close.lively <= _LIVELY
    return Sign.SHIFTED if shifted else Sign.WELL
