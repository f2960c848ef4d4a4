"""The truth of rendered scenes, worked out from the paths by the rule."""

from __future__ import annotations

import pytest

from app.bench.detect_scenes import stay_of, truth_of
from simulators.rendered import THRESHOLD_S, RenderedScene

STAYS = {"visitor", "child", "umbrella", "pair", "with_dog", "pacer"}
SEEDS = range(202, 242, 2)


@pytest.fixture(scope="module")
def scenes():
    return [RenderedScene(seed) for seed in SEEDS]


def test_who_stays_is_due_and_who_does_not_is_not(scenes):
    seen = set()
    for scene in scenes:
        for act in scene.acts:
            for actor in act.actors:
                if not actor.person:
                    continue
                stay = stay_of(actor)
                seen.add(act.name)
                assert not stay.doubtful, (scene.seed, act.name)
                assert (stay.due_s is not None) == (act.name in STAYS), (scene.seed, act.name)
                if stay.due_s is not None:
                    assert stay.enter_s + THRESHOLD_S - 0.2 <= stay.due_s <= stay.exit_s - 1.0
    assert seen > STAYS


def test_a_pacer_is_due_after_two_t_only(scenes):
    pacers = [stay_of(a.actors[0]) for s in scenes for a in s.acts if a.name == "pacer"]
    assert pacers
    for stay in pacers:
        assert stay.due_s - stay.enter_s == pytest.approx(2 * THRESHOLD_S, abs=0.2)


def test_a_dog_is_nobody(scenes):
    scene = next(s for s in scenes if any(a.name == "with_dog" for a in s.acts))
    people = [a for act in scene.acts for a in act.actors if a.person]
    assert len(truth_of(scene).stays) == len(people) < sum(len(a.actors) for a in scene.acts)


def test_the_faults_are_in_the_truth_and_nobody_is_looked_for_meanwhile():
    scene = RenderedScene(5)
    truth = truth_of(scene)
    (fault,) = truth.faults
    assert fault.kind == scene.impairments[0].kind
    assert truth.blind == ((fault.start_s, fault.end_s),)
