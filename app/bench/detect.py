"""`doorguard bench detect`: detectors judged on real video, perturbed video and rendered scenes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.bench import detect_clips, detect_scenes, detect_speed, judge
from app.cli.command import say
from core.errors import ConfigurationError
from simulators.perturbation import NAMES, Perturbation
from simulators.rendered import RenderedScene
from simulators.replay import FULL_HD, fitted
from simulators.source import encode_jpeg

_FOOTAGE = "DOORGUARD_FOOTAGE"
_BESIDE = Path("..") / "shared" / "footage"
_TIMED_FRAMES = 150
_TIMED_SEED = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to judge. `truth` stands for `footage`/truth.json where it is not given."""

    footage: Path | None = None
    truth: Path | None = None
    seeds: tuple[int, ...] = ()
    perturb: bool = False
    perturb_seed: int = 1


def bench(wanted: Wanted) -> dict[str, Any]:
    """Return every number asked for; what was not asked for is None."""
    folder, clips = _footage(wanted)
    found: dict[str, Any] = {"clips": {}, "perturbations": None, "scenes": None}
    if clips:
        for name, clip in clips.items():
            say(f"clip {name}")
            found["clips"][name], _, _ = detect_clips.judged(folder / name, clip)
        if wanted.perturb:
            found["perturbations"] = _perturbed(folder, clips, wanted.perturb_seed)
    elif wanted.perturb:
        raise ConfigurationError("perturbations need footage: name its folder with --footage")
    if wanted.seeds:
        say(f"{len(wanted.seeds)} rendered scenes")
        found["scenes"] = detect_scenes.judge_seeds(wanted.seeds)
    found |= _speed(folder, clips)
    return found


def _footage(wanted: Wanted) -> tuple[Path, dict[str, detect_clips.ClipTruth]]:
    named = wanted.footage or (Path(os.environ[_FOOTAGE]) if _FOOTAGE in os.environ else None)
    folder = named or (wanted.truth.parent if wanted.truth else _BESIDE)
    truth = wanted.truth or folder / "truth.json"
    if named is None and wanted.truth is None and not truth.is_file():
        return folder, {}
    clips = detect_clips.read_truth(truth)
    missing = [name for name in clips if not (folder / name).is_file()]
    if missing:
        raise ConfigurationError(f"not in {folder}: {', '.join(missing)}")
    return folder, clips


def _perturbed(
    folder: Path, clips: dict[str, detect_clips.ClipTruth], first_seed: int
) -> dict[str, Any]:
    total = judge.Loitering()
    rows: dict[str, Any] = {}
    for name in NAMES:
        score = judge.Loitering()
        for seed, (file, clip) in enumerate(clips.items(), first_seed):
            if clip.persons:
                say(f"clip {file} with {name}")
                score.add(detect_clips.judged(folder / file, clip, Perturbation(name, seed))[1])
        total.add(score)
        rows[name] = {
            "true": score.true,
            "found": score.found,
            "false": score.false,
            "doubled": score.doubled,
        }
    return {"true": total.true, "found": total.found, "false": total.false, "each": rows}


def _speed(folder: Path, clips: dict[str, detect_clips.ClipTruth]) -> dict[str, Any]:
    """Time frames of the first clip that has both an empty scene and a person, else of a
    rendered scene.
    """
    for name, clip in clips.items():
        if not clip.persons or not detect_clips.quiet_frames(clip):
            continue
        say(f"speed on {name}")
        truth = detect_clips.truth_of(clip, detect_clips.LEAD_IN_S)
        lead_in: list[bytes] = []
        person: list[bytes] = []
        for at_s, jpeg, _ in detect_clips.play(folder / name, clip):
            if at_s < detect_clips.LEAD_IN_S:
                lead_in.append(jpeg)
            elif any(stay.enter_s + 1 <= at_s < stay.exit_s - 1 for stay in truth.stays):
                person.append(jpeg)
            if len(person) >= _TIMED_FRAMES:
                break
        if person:
            empty = lead_in[:_TIMED_FRAMES]
            return detect_speed.measure(lead_in, empty, person, detect_clips.FPS)
    say(f"speed on rendered scene {_TIMED_SEED}")
    lead_in, person = _rendered(_TIMED_SEED)
    return detect_speed.measure(lead_in, lead_in, person, detect_clips.FPS)


def _rendered(seed: int) -> tuple[list[bytes], list[bytes]]:
    """Return frames of 1080p of a rendered scene: before anybody comes, and with the first act."""
    scene = RenderedScene(seed)
    act = scene.acts[0]
    begins_s = act.actors[0].starts_s

    def jpegs(from_s: float, to_s: float) -> list[bytes]:
        first, last = int(from_s * detect_clips.FPS) + 1, int(to_s * detect_clips.FPS)
        moments = (number / detect_clips.FPS for number in range(first, last))
        return [encode_jpeg(fitted(scene.render(t_s), FULL_HD)) for t_s in moments]

    return jpegs(0.0, begins_s), jpegs(begins_s + 2.0, act.ends_s - 2.0)[:_TIMED_FRAMES]
