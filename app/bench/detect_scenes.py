"""Rendered scenes with exact truth, for the judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from app.bench import judge
from app.bench.detect_run import Heard, numbered, run
from app.bench.judge_rule import due_s as moment_due
from app.cli.command import say
from simulators.cast import Actor
from simulators.impairment import Kind
from simulators.rendered import DURATION_S, THRESHOLD_S, RenderedScene

FPS = 5.0
SPOT_RADIUS = 0.7  # body heights; the rule of docs/detection.md, not the detector's constant
ZONE_FACTOR = 2.0
_DOUBT_S = 1.0  # a stay that ends so soon after its due moment, or so short of it
_EDGE_S = 0.6  # of presence: somebody at the rim of the picture
_EVERY = 2  # boxes of the truth, each 0.2 s


@dataclass(slots=True)
class Tally:
    """Scores over many seeds. `empty_s` is the time without people that was watched."""

    presence: judge.Presence = field(default_factory=judge.Presence)
    loitering: judge.Loitering = field(default_factory=judge.Loitering)
    negatives: judge.Loitering = field(default_factory=judge.Loitering)
    health: judge.Health = field(default_factory=judge.Health)
    empty_s: float = 0.0
    total_s: float = 0.0
    notes: list[str] = field(default_factory=list)


def stay_of(actor: Actor, threshold_s: float = THRESHOLD_S) -> judge.Stay | None:
    """Return the truth of one person, None for somebody who never comes into view."""
    steps = actor.seen()
    if not steps:
        return None
    marks = [(step.t_s, *step.foot_px, step.height_px) for step in steps]
    enter_s, exit_s = steps[0].t_s, steps[-1].t_s

    def due(after_s: float) -> float | None:
        return moment_due(marks, after_s, SPOT_RADIUS, ZONE_FACTOR)

    due_s = due(threshold_s)
    soon = due(threshold_s - _DOUBT_S)
    doubtful = soon is not None and (due_s is None or exit_s - due_s < _DOUBT_S)
    path = tuple((step.t_s, step.box) for step in islice(steps, 0, None, _EVERY))
    due_s = due_s if due_s is not None else soon
    # walking up to the spot may be counted: nobody would call an alarm T after they came wrong
    return judge.Stay(enter_s, exit_s, due_s, path, doubtful, enter_s + threshold_s)


def truth_of(scene: RenderedScene) -> judge.Truth:
    stays = [stay_of(actor) for actor in scene.actors if actor.person]
    return judge.Truth(
        duration_s=DURATION_S,
        stays=tuple(stay for stay in stays if stay is not None),
        faults=tuple(judge.Fault(i.kind, i.start_s, i.end_s) for i in scene.impairments),
        edge_s=_EDGE_S,
        blind=tuple((i.start_s, i.end_s) for i in scene.impairments),
    )


def judge_seed(seed: int) -> Tally:
    """Render one seed, run the detector over it, and judge what it said."""
    scene = RenderedScene(seed)
    truth = truth_of(scene)
    heard, _ = run(numbered(scene.frames(FPS)), THRESHOLD_S, DURATION_S)
    tally = Tally(total_s=DURATION_S, empty_s=0.0 if scene.peopled else DURATION_S)
    tally.presence = judge.judge_presence(truth, heard.looks)
    tally.loitering = judge.judge_loitering(truth, heard.alarms)
    tally.health = judge.judge_health(truth, heard.complaints, heard.restored_s)
    if not scene.peopled:
        tally.negatives = tally.loitering
    tally.notes = _notes(scene, tally, heard)
    return tally


def judge_seeds(seeds: Sequence[int]) -> dict[str, Any]:
    """Judge every seed and add up."""
    total = Tally()
    for seed in seeds:
        _add(total, judge_seed(seed))
    score, health = total.loitering, total.health
    return {
        "f1": score.f1,
        "false_per_camera_day": judge.per_day(total.negatives.false, total.empty_s),
        "health_true": health.true,
        "health_found": health.found,
        "health_false": health.false,
        "health_named": health.named,
        "health_restored": health.restored,
        "health_delay_s": round(max(health.delays_s), 1) if health.delays_s else None,
        "loiter_true": score.true,
        "loiter_found": score.found,
        "loiter_false": score.false,
        "loiter_doubled": score.doubled,
        "delay_s": score.delay_s,
        "precision": total.presence.precision,
        "recall": total.presence.recall,
        "fpr": total.presence.fpr,
        "scene_s": total.total_s,
        "empty_s": total.empty_s,
        "notes": total.notes,
    }


def _add(total: Tally, one: Tally) -> None:
    total.presence.add(one.presence)
    total.loitering.add(one.loitering)
    total.negatives.add(one.negatives)
    total.health.add(one.health)
    total.empty_s += one.empty_s
    total.total_s += one.total_s
    total.notes += one.notes
    for note in one.notes:
        say(note)


def _notes(scene: RenderedScene, tally: Tally, heard: Heard) -> list[str]:
    """Say in words what went wrong, so that somebody can look at that second."""
    what = ", ".join([*(act.name for act in scene.acts), *scene.happenings])
    what += ", a dog" if scene.stray else ""
    head = f"seed {scene.seed} ({scene.light}: {what}):"
    notes = [f"{head} false alarm at {t:.1f} s" for t in tally.loitering.false_at_s]
    notes += [f"{head} missed who came at {t:.1f} s" for t in tally.loitering.missed_at_s]
    for fault in scene.impairments:
        if tally.health.found < tally.health.true:
            notes.append(f"{head} {Kind(fault.kind)} at {fault.start_s:.1f} s not told")
    if tally.health.false:
        said = ", ".join(f"{c.kind} at {c.at_s:.1f} s" for c in heard.complaints)
        notes.append(f"{head} camera complains: {said}")
    return notes
