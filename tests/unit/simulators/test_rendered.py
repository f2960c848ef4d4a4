from __future__ import annotations

from collections import Counter
from itertools import pairwise

import cv2
import numpy as np
import pytest

from simulators.cast import ACTS
from simulators.climate import HAPPENINGS, Light
from simulators.covers import COVERS
from simulators.impairment import Impairment, Kind
from simulators.places import HEIGHT_PX, WIDTH_PX
from simulators.rendered import DURATION_S, QUIET_S, RenderedScene
from simulators.source import encode_jpeg

SEEDS = range(1, 41)


@pytest.fixture(scope="module")
def scenes():
    return {seed: RenderedScene(seed) for seed in SEEDS}


def grey(picture):
    return cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (5, 5), 0).astype(int)


def with_fault(scenes, kind):
    return next(
        (scene, scene.impairments[0])
        for scene in scenes.values()
        if scene.impairments and scene.impairments[0].kind is kind
    )


def test_the_same_seed_is_the_same_to_the_bit():
    for seed in (2, 3):
        one, same = (RenderedScene(seed) for _ in range(2))
        for t_s in (3.0, 24.6):
            assert (one.render(t_s) == same.render(t_s)).all()
    assert (RenderedScene(2).render(3.0) != RenderedScene(4).render(3.0)).any()


def test_half_of_the_scenes_are_without_people(scenes):
    assert sum(scene.peopled for scene in scenes.values()) == len(scenes) // 2
    for scene in scenes.values():
        assert bool(scene.acts) == scene.peopled
        assert scene.peopled or not any(actor.person for actor in scene.actors)


def test_forty_seeds_hold_everything(scenes):
    acts = Counter(act.name for scene in scenes.values() for act in scene.acts)
    assert set(acts) == set(ACTS)
    assert {name for s in scenes.values() for name in s.happenings} == set(HAPPENINGS)
    assert {scene.light for scene in scenes.values()} == set(Light)
    assert {i.kind for s in scenes.values() for i in s.impairments} == set(Kind)
    assert any(scene.stray for scene in scenes.values())
    assert {scene.indoors for scene in scenes.values()} == {True, False}


def test_nothing_happens_first_and_acts_keep_apart(scenes):
    for scene in scenes.values():
        for actor in scene.actors:
            assert actor.starts_s >= QUIET_S
        for spans in scene.happenings.values():
            assert all(span.start_s >= QUIET_S for span in spans)
        for before, after in pairwise(scene.acts):
            assert after.actors[0].starts_s - before.ends_s >= 7.0
        for fault in scene.impairments:
            assert fault.end_s <= DURATION_S - 8.0
            assert all(act.ends_s < fault.start_s for act in scene.acts)


@pytest.mark.parametrize("seed", [2, 4, 8])
def test_the_truth_agrees_with_the_pixels(scenes, seed):
    """Where a person is drawn the picture differs from the same moment without them."""
    scene = scenes[seed]
    alone = RenderedScene(seed)
    alone.actors = []
    checked = 0
    for act in scene.acts:
        for actor in act.actors:
            steps = [step for step in actor.seen() if step.box[2] > 0.05]
            step = steps[len(steps) // 2]
            mask = scene.figure_mask(step.t_s)
            differs = np.abs(grey(scene.render(step.t_s)) - grey(alone.render(step.t_s))) > 12
            assert mask.any()
            assert differs[mask].mean() > 0.35, (act.name, step.t_s)
            far = cv2.dilate(mask.astype(np.uint8), np.ones((61, 61), np.uint8)) == 0
            assert differs[far].mean() < 0.03, (act.name, step.t_s)
            checked += 1
    assert checked >= 2


@pytest.mark.parametrize("seed", [2, 4, 8, 24])
def test_boxes_lie_around_the_figures(scenes, seed):
    scene = scenes[seed]
    for act in scene.acts:
        people = [actor for actor in act.actors if actor.person]
        if len(people) != 1:
            continue
        for step in people[0].seen()[5:-5:20]:
            rows, columns = np.nonzero(scene.figure_mask(step.t_s))
            x, y, w, h = step.box
            drawn = (columns.min() / WIDTH_PX, rows.min() / HEIGHT_PX)
            end = ((columns.max() + 1) / WIDTH_PX, (rows.max() + 1) / HEIGHT_PX)
            wide = min(x + w, end[0]) - max(x, drawn[0])
            high = min(y + h, end[1]) - max(y, drawn[1])
            whole = w * h + (end[0] - drawn[0]) * (end[1] - drawn[1]) - wide * high
            assert wide * high / whole > 0.45, (act.name, step.t_s)


def test_nobody_is_in_view_before_they_come_or_after_they_left(scenes):
    for scene in (scenes[2], scenes[4], scenes[24]):
        for actor in (act.actors[0] for act in scene.acts if len(act.actors) == 1):
            steps = actor.seen()
            assert not scene.figure_mask(actor.starts_s - 0.2).any()
            assert scene.figure_mask(steps[3].t_s).any()
            assert steps[0].t_s - actor.starts_s < 1.5
            assert actor.ends_s - steps[-1].t_s < 1.5


def test_infrared_frames_are_grey_and_say_so(scenes):
    scene = next(s for s in scenes.values() if s.light is Light.INFRARED and not s.impairments)
    picture = scene.render(5.0).astype(int)
    assert scene.climate.infrared(5.0)
    assert np.abs(picture - picture.mean(axis=2, keepdims=True)).mean() < 4.0
    switched = next(s for s in scenes.values() if "infrared_switch" in s.happenings)
    span = switched.happenings["infrared_switch"][0]
    before, inside = span.start_s - 1.0, (span.start_s + span.end_s) / 2
    assert switched.climate.infrared(before) != switched.climate.infrared(inside)


@pytest.mark.parametrize("kind", [Kind.COVERED, Kind.DEFOCUSED, Kind.MOVED, Kind.DARK])
def test_a_fault_shows_in_the_picture_for_as_long_as_it_lasts(scenes, kind):
    scene, fault = with_fault(scenes, kind)
    well = grey(scene.render(fault.start_s - 0.4))
    ill = grey(scene.render(fault.start_s + 3.0))
    again = grey(scene.render(fault.end_s + 0.4))
    assert np.abs(ill - well).mean() > 1.5 * np.abs(again - well).mean() + 1.0
    edges = [float(cv2.Laplacian(np.uint8(p), cv2.CV_32F).var()) for p in (well, ill)]
    if kind in (Kind.COVERED, Kind.DEFOCUSED, Kind.DARK):
        assert edges[1] < 0.6 * edges[0]


def test_a_frozen_camera_repeats_itself_and_a_silent_one_sends_nothing(scenes):
    scene, fault = with_fault(scenes, Kind.FROZEN)
    during = [jpeg for t_s, jpeg, _ in scene.frames(1.0) if fault.active(t_s)]
    assert len(during) > 15
    assert len(set(during)) == (1 if fault.look[0] < 0.5 else 2)
    scene, fault = with_fault(scenes, Kind.NO_FRAMES)
    moments = [t_s for t_s, _, _ in scene.frames(1.0)]
    assert not any(fault.active(t_s) for t_s in moments)
    assert max(b - a for a, b in pairwise(moments)) > 15.0


def test_a_scene_is_never_still(scenes):
    for seed in (3, 4):
        one, other = (scenes[seed].render(t).astype(int) for t in (2.0, 2.2))
        assert 0.3 < np.abs(one - other).mean() < 6.0


def test_a_frozen_camera_may_encode_its_one_picture_anew():
    fault = Impairment(Kind.FROZEN, 20.0, 40.0, (0.9, 0.5, 0.5, 0.5))
    jpeg = encode_jpeg(RenderedScene(3).render(5.0))
    sent = {fault.repeat(jpeg, 20.0 + number / 5.0) for number in range(40)}
    assert len(sent) == 2
    shown = [cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_GRAYSCALE) for one in sent]
    assert cv2.absdiff(*shown).mean() < 1.5
    still = Impairment(Kind.FROZEN, 20.0, 40.0, (0.1, 0.5, 0.5, 0.5))
    assert still.repeat(jpeg, 21.0) == jpeg


@pytest.mark.parametrize("number", range(len(COVERS)))
@pytest.mark.parametrize("reach", [0.0, 1.0])
def test_every_cover_hides_most_of_the_picture(number, reach):
    look = (0.5, (number + 0.5) / len(COVERS), 0.5, reach)
    scene = RenderedScene(9)
    well = scene.render(30.0)
    scene.impairments = (Impairment(Kind.COVERED, 25.0, 45.0, look),)
    ill, later = scene.render(29.0), scene.render(30.0)
    gone = np.abs(grey(later) - grey(well)) > 6
    assert gone.mean() > 0.55
    assert np.abs(grey(later) - grey(ill)).mean() < 4.0  # it lies there, but for a hand's tremble


def test_a_moved_camera_looks_beside_its_place_by_a_nudge_or_more():
    for share in (0.0, 1.0):
        wide = np.zeros((HEIGHT_PX + 96, WIDTH_PX + 96, 3), np.uint8)
        wide[150, 288] = 255
        fault = Impairment(Kind.MOVED, 25.0, 45.0, (share, 0.2, 0.5, 0.0))
        (row,), (column,) = np.nonzero(fault.view(wide, 30.0)[:, :, 0])
        (home_row,), (home_column,) = np.nonzero(fault.view(wide, 50.0)[:, :, 0])
        assert row == home_row
        assert home_column - column == round((0.25 + 0.7 * share) * 48)
