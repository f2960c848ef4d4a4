"""What the detector sees, drawn over its picture: boxes by state, zone, dwell, findings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import cv2
import numpy as np

from core.model import Finding
from detectors.camera import Camera
from detectors.dwell import State
from detectors.tracks import Track
from simulators.source import Image

Colour = tuple[int, int, int]  # BGR

# told apart by lightness too, for eyes that do not tell red from green
COLOURS: dict[State, Colour] = {
    State.ABSENT: (150, 150, 150),
    State.CANDIDATE: (190, 190, 190),
    State.PRESENT: (235, 200, 60),
    State.LOITERING: (60, 60, 235),
    State.CLEARED: (120, 120, 120),
}
_ZONE: Colour = (90, 220, 240)
_PAPER: Colour = (28, 26, 24)
_INK: Colour = (245, 245, 245)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_NEWS_S = 6.0
_NEWS_LINES = 4


@dataclass(frozen=True, slots=True)
class News:
    """A finding and when it was said, in seconds of the video."""

    at_s: float
    finding: Finding


def draw(
    picture: Image,
    camera: Camera,
    working: tuple[int, ...],
    moment: tuple[int, float],
    news: list[News],
    fault: str | None = None,
) -> Image:
    """Return the picture with everything drawn over it; `working` is the (rows, columns) in which
    the camera's tracks are told, `moment` the time in µs of its clock and in seconds of the video.
    """
    at_us, at_s = moment
    drawn = picture.copy()
    high, wide = drawn.shape[:2]
    size = high / 720
    for polygon in (zone.polygon for zone in camera.config.zones if zone.polygon):
        corners = np.array([(x * wide, y * high) for x, y in polygon], np.int32)
        cv2.polylines(drawn, [corners], True, _ZONE, max(1, round(2 * size)), cv2.LINE_AA)
    scale = (wide / working[1], high / working[0])
    # the loitering last, on top
    for track in sorted(camera.tracks, key=lambda track: track.visit.state is State.LOITERING):
        _track(drawn, track, scale, at_us, size)
    _bar(drawn, camera, moment, fault, size)
    _news(drawn, [item for item in news if at_s - item.at_s <= _NEWS_S][-_NEWS_LINES:], size)
    return drawn


def dwell_s(track: Track, at_us: int) -> float:
    """Return how long the stay lasts that counts for loitering: on the spot, else in view."""
    visit = track.visit
    since_us = visit.since_us
    if since_us is None:
        since_us = visit.spot.since_us if visit.spot is not None else visit.first_us
    return max(0.0, (at_us - since_us) / 1e6)


def _track(drawn: Image, track: Track, scale: tuple[float, float], at_us: int, size: float) -> None:
    state, box = track.visit.state, track.box
    colour = COLOURS[state]
    left, top = round(box.x * scale[0]), round(box.y * scale[1])
    right, bottom = round((box.x + box.w) * scale[0]), round((box.y + box.h) * scale[1])
    hidden = track.unseen_s(at_us) > 0
    thick = max(1, round((4 if state is State.LOITERING else 2) * size))
    if hidden:
        _dashed(drawn, (left, top), (right, bottom), colour, thick)
    else:
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, thick, cv2.LINE_AA)
    words = f"{track.number} {state.name.lower()}"
    if state in (State.PRESENT, State.LOITERING):
        words += f" {dwell_s(track, at_us):.0f} s"
    if hidden:
        words += f", unseen {track.unseen_s(at_us):.1f} s"
    _label(drawn, words, (left, top), colour, size)


def _dashed(
    drawn: Image, start: tuple[int, int], end: tuple[int, int], colour: Colour, thick: int
) -> None:
    (left, top), (right, bottom) = start, end
    for x in range(left, right, 16):
        for y in (top, bottom):
            cv2.line(drawn, (x, y), (min(x + 8, right), y), colour, thick, cv2.LINE_AA)
    for y in range(top, bottom, 16):
        for x in (left, right):
            cv2.line(drawn, (x, y), (x, min(y + 8, bottom)), colour, thick, cv2.LINE_AA)


def _label(drawn: Image, words: str, corner: tuple[int, int], colour: Colour, size: float) -> None:
    """Dark letters on the state's colour above the box, within the picture."""
    font = 0.6 * size
    thick = max(1, round(1.6 * size))
    (wide, high), base = cv2.getTextSize(words, _FONT, font, thick)
    pad = round(4 * size)
    left = min(max(corner[0], 0), max(drawn.shape[1] - wide - 2 * pad, 0))
    foot = max(corner[1], high + base + 2 * pad + round(34 * size))
    paper = (left, foot - high - base - 2 * pad), (left + wide + 2 * pad, foot)
    cv2.rectangle(drawn, *paper, colour, -1)
    light = sum(colour) > 330
    ink = (20, 20, 20) if light else _INK
    at = (left + pad, foot - base - pad)
    cv2.putText(drawn, words, at, _FONT, font, ink, thick, cv2.LINE_AA)


def _bar(
    drawn: Image, camera: Camera, moment: tuple[int, float], fault: str | None, size: float
) -> None:
    """One line along the top: the time, how many are in which state, T, a fault of the camera."""
    at_us, at_s = moment
    high = round(34 * size)
    drawn[:high] = (drawn[:high] * 0.25 + np.array(_PAPER) * 0.75).astype(np.uint8)
    clock = datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%H:%M:%S")
    parts: list[tuple[str, Colour]] = [(f"{at_s:6.1f} s  {clock} UTC", _INK)]
    for state in (State.CANDIDATE, State.PRESENT, State.LOITERING):
        count = sum(track.visit.state is state for track in camera.tracks)
        parts.append((f"{count} {state.name.lower()}", COLOURS[state]))
    parts.append((f"T = {camera.config.loiter_after_s:g} s", _INK))
    if fault is not None:
        parts.append((f"camera {fault}", COLOURS[State.LOITERING]))
    x, font, thick = round(12 * size), 0.6 * size, max(1, round(1.5 * size))
    for words, colour in parts:
        cv2.putText(drawn, words, (x, round(23 * size)), _FONT, font, colour, thick, cv2.LINE_AA)
        x += cv2.getTextSize(words, _FONT, font, thick)[0][0] + round(28 * size)


def _news(drawn: Image, news: list[News], size: float) -> None:
    """The last findings at the lower left."""
    if not news:
        return
    line = round(28 * size)
    top = drawn.shape[0] - line * len(news) - round(12 * size)
    wide = round(560 * size)
    area = drawn[top:, :wide]
    area[:] = (area * 0.25 + np.array(_PAPER) * 0.75).astype(np.uint8)
    for number, item in enumerate(news):
        alarm = item.finding.type in ("loiter.started", "loiter.updated")
        colour = (120, 140, 255) if alarm else _INK
        words = f"{item.at_s:6.1f} s  {item.finding.type}"
        if "dwell_s" in item.finding.data:
            words += f"  {item.finding.data['dwell_s']:.0f} s"
        at = (round(12 * size), top + line * (number + 1) - round(4 * size))
        thick = max(1, round(1.4 * size))
        cv2.putText(drawn, words, at, _FONT, 0.6 * size, colour, thick, cv2.LINE_AA)
