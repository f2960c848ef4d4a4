"""Real video with a truth file, replayed as a door camera would send it, for the judge.

The truth file holds for each file name: `fps`, `frames`, `size` (width, height), and `persons`
with `enter` and `exit` in frame numbers, `still_box_xywh_median` in pixels for each of them, and
`presence_ge_10s` (from 1) naming who is in view for 10 s. Without `persons` nothing is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec

from app.bench import judge
from app.bench.detect_run import Heard, numbered, run
from core.errors import ConfigurationError
from simulators.perturbation import Perturbation
from simulators.replay import FULL_HD, QUIET, Replay

FPS = 5.0
LEAD_IN_S = 40.0
THRESHOLD_S = 10.0
EDGE_FRAMES = 3  # of the file: as exact as the truth is
_SMALL_QUIET = 5  # frames: fewer show no noise to learn
_DOUBT_S = 0.3  # a stay so near the threshold may be either
_Frame = Annotated[int, msgspec.Meta(ge=0)]


class Person(msgspec.Struct, frozen=True):
    """Frame numbers of the file."""

    enter: _Frame
    exit: _Frame


class ClipTruth(msgspec.Struct, frozen=True):
    """One entry of the truth file; fields that are not named here are left alone."""

    fps: Annotated[float, msgspec.Meta(gt=0)]
    frames: Annotated[int, msgspec.Meta(gt=0)]
    size: tuple[int, int] = (0, 0)
    persons: list[Person] | None = None
    still_box_xywh_median: list[tuple[float, float, float, float]] = []
    presence_ge_10s: list[int] | None = None
    note: str = ""


_TRUTH = msgspec.json.Decoder(dict[str, ClipTruth])


def read_truth(path: Path) -> dict[str, ClipTruth]:
    """Return the clips by file name; raise `ConfigurationError` for what is no truth file."""
    try:
        return _TRUTH.decode(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def quiet_frames(clip: ClipTruth) -> range:
    """Return frames in which nobody is seen: the first ones where they are, else the longest
    stretch; empty when there is none.
    """
    people = clip.persons
    if people is None:
        return range(0)
    taken = sorted((p.enter - EDGE_FRAMES, p.exit + EDGE_FRAMES) for p in people)
    free: list[range] = []
    at = QUIET.start
    for enter, leave in [*taken, (clip.frames, clip.frames)]:
        free.append(range(at, max(at, min(enter, at + len(QUIET)))))
        at = max(at, leave)
    if len(free[0]) >= _SMALL_QUIET:
        return free[0]
    best = max(free, key=len)
    return best if len(best) >= _SMALL_QUIET else range(0)


def truth_of(clip: ClipTruth, lead_in_s: float) -> judge.Truth:
    """Return the truth in seconds of the replay."""
    stays = []
    for number, person in enumerate(clip.persons or (), 1):
        enter_s, exit_s = lead_in_s + person.enter / clip.fps, lead_in_s + person.exit / clip.fps
        over_s = exit_s - enter_s - THRESHOLD_S
        if clip.presence_ge_10s is not None:
            loiters, doubtful = number in clip.presence_ge_10s, False
        else:
            loiters, doubtful = over_s > 0, abs(over_s) <= _DOUBT_S
        path: tuple[tuple[float, judge.Box], ...] = ()
        if number <= len(clip.still_box_xywh_median) and min(clip.size) > 0:
            path = ((enter_s, _placed(clip.still_box_xywh_median[number - 1], clip.size)),)
        due_s = enter_s + THRESHOLD_S if loiters or doubtful else None
        stays.append(judge.Stay(enter_s, exit_s, due_s, path, doubtful))
    return judge.Truth(
        duration_s=lead_in_s + clip.frames / clip.fps,
        stays=tuple(stays),
        edge_s=EDGE_FRAMES / clip.fps,
    )


def _placed(box: judge.Box, size: tuple[int, int]) -> judge.Box:
    """Return a box of the film's pixels as fractions of the picture it is fitted into."""
    (x, y, w, h), (wide, high) = box, FULL_HD
    scale = min(wide / size[0], high / size[1])
    left, top = (wide - size[0] * scale) / 2, (high - size[1] * scale) / 2
    return (left + x * scale) / wide, (top + y * scale) / high, w * scale / wide, h * scale / high


def play(
    path: Path, clip: ClipTruth, perturb: Perturbation | None = None
) -> Iterator[tuple[float, bytes, bool]]:
    """Yield (seconds, JPEG of 1080p, infrared) at `FPS`, the empty scene first."""
    quiet = quiet_frames(clip)
    lead_in_s = LEAD_IN_S if quiet else 0.0
    film = Replay(path, lead_in_s=lead_in_s, quiet=quiet or QUIET, perturb=perturb)
    try:
        number = 0
        while (jpeg := film.at(number / FPS)) is not None:
            yield number / FPS, jpeg, film.infrared(number / FPS)
            number += 1
    finally:
        film.close()


def judged(
    path: Path, clip: ClipTruth, perturb: Perturbation | None = None
) -> tuple[dict[str, Any], judge.Loitering, Heard]:
    """Replay one clip and return its row of numbers, the score of loitering, what was heard."""
    lead_in_s = LEAD_IN_S if quiet_frames(clip) else 0.0
    truth = truth_of(clip, lead_in_s)
    heard, _ = run(numbered(play(path, clip, perturb)), THRESHOLD_S)
    scored = [look for look in heard.looks if look.at_s >= lead_in_s]
    if clip.persons is None:
        row = dict.fromkeys(("precision", "recall", "fpr"))
        nothing = judge.Loitering()
        return {**row, **_loiter(nothing), "unjudged": len(heard.alarms)}, nothing, heard
    presence = judge.judge_presence(truth, scored)
    score = judge.judge_loitering(truth, heard.alarms)
    row = {
        "precision": presence.precision,
        "recall": presence.recall,
        "fpr": presence.fpr,
        **_loiter(score),
        "camera_faults_false": len(heard.complaints),
    }
    return row, score, heard


def _loiter(score: judge.Loitering) -> dict[str, Any]:
    return {
        "loiter_true": score.true,
        "loiter_found": score.found,
        "loiter_false": score.false,
        "loiter_doubled": score.doubled,
        "delay_s": score.delay_s,
    }
