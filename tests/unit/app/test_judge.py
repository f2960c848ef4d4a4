"""The judge on made-up detector output whose precision, recall and delay are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bench.judge import (
    Alarm,
    Complaint,
    Fault,
    Look,
    Stay,
    Truth,
    judge_health,
    judge_loitering,
    judge_presence,
    overlap,
    per_day,
)
from app.bench.judge_rule import due_s

HERE = (0.4, 0.2, 0.2, 0.6)
BESIDE = (0.7, 0.2, 0.2, 0.6)
EVERYWHERE = (0.0, 0.0, 1.0, 1.0)
T_S = 10.0


def stay(enter_s=10.0, exit_s=40.0, *, loiters=True, box=HERE, **kwargs):
    due = enter_s + T_S if loiters else None
    return Stay(enter_s, exit_s, due, ((enter_s, box),), **kwargs)


def truth(*stays, faults=(), **kwargs):
    return Truth(100.0, tuple(stays), tuple(faults), **kwargs)


def looks(*present_spans, fps=5.0, end_s=100.0):
    moments = [number / fps for number in range(int(end_s * fps))]
    return [Look(t, any(a <= t < b for a, b in present_spans)) for t in moments]


def test_presence_counts_frames():
    score = judge_presence(truth(stay(10.0, 30.0)), looks((12.0, 35.0)))
    assert (score.hits, score.misses, score.false, score.quiet) == (90, 10, 25, 375)
    assert score.recall == 0.9
    assert score.precision == pytest.approx(90 / 115, abs=1e-4)
    assert score.fpr == pytest.approx(25 / 400, abs=1e-4)


def test_presence_leaves_out_the_edges_and_what_nobody_could_see():
    two = truth(stay(10.0, 30.0), edge_s=0.4, blind=((50.0, 60.0),))
    score = judge_presence(two, looks((10.4, 30.4), (50.0, 60.0)))
    assert (score.precision, score.recall, score.fpr) == (1.0, 1.0, 0.0)
    assert score.hits == 100 - 5
    assert score.hits + score.quiet == 500 - 10 - 51


def test_nothing_said_of_nothing_has_no_precision():
    score = judge_presence(truth(), looks())
    assert (score.precision, score.recall, score.fpr) == (None, None, 0.0)


def test_a_loiterer_is_found_with_the_delay_after_t():
    score = judge_loitering(truth(stay()), [Alarm(20.7, HERE)])
    assert (score.true, score.found, score.false, score.f1) == (1, 1, 0, 1.0)
    assert score.delay_s == pytest.approx(0.7)


@pytest.mark.parametrize(
    "alarm",
    [
        Alarm(20.5, BESIDE),
        Alarm(20.5, EVERYWHERE),
        Alarm(15.0, HERE),
        Alarm(43.0, HERE),
        Alarm(5.0, HERE),
    ],
    ids=["beside them", "around everything", "too soon", "after they left", "before they came"],
)
def test_an_alarm_about_something_else_is_false_and_finds_nobody(alarm):
    score = judge_loitering(truth(stay()), [alarm])
    assert (score.found, score.false) == (0, 1)
    assert score.missed_at_s == [10.0]
    assert score.f1 == 0.0


def test_who_only_passes_is_no_loiterer():
    score = judge_loitering(truth(stay(exit_s=18.0, loiters=False)), [Alarm(17.0, HERE)])
    assert (score.true, score.found, score.false) == (0, 0, 1)


def test_a_second_alarm_about_the_same_person_is_doubled_not_false():
    score = judge_loitering(truth(stay()), [Alarm(20.5, HERE), Alarm(30.0, HERE)])
    assert (score.found, score.false, score.doubled) == (1, 0, 1)
    assert score.delay_s == pytest.approx(0.5)


def test_one_box_around_two_people_finds_both():
    near = (0.5, 0.2, 0.2, 0.6)
    both = (0.4, 0.2, 0.3, 0.6)
    score = judge_loitering(truth(stay(), stay(box=near)), [Alarm(20.5, both)])
    assert (score.true, score.found, score.false) == (2, 2, 0)


def test_who_came_a_little_later_into_the_same_box_is_found_with_the_first():
    second = stay(13.0, 40.0, box=(0.5, 0.2, 0.2, 0.6))
    both = (0.4, 0.2, 0.3, 0.6)
    score = judge_loitering(truth(stay(), second), [Alarm(20.5, both)])
    assert (score.true, score.found, score.false) == (2, 2, 0)
    alone = judge_loitering(truth(second), [Alarm(20.5, both)])
    assert (alone.found, alone.false) == (0, 1)


def test_a_stay_at_the_threshold_may_be_told_or_not():
    edge = truth(stay(exit_s=20.4, doubtful=True))
    for alarms in ([], [Alarm(20.3, HERE)]):
        score = judge_loitering(edge, alarms)
        assert (score.true, score.found, score.false) == (0, 0, 0)


def test_an_alarm_may_be_sooner_than_due_where_the_truth_says_so():
    walked_up = Stay(10.0, 40.0, 23.0, ((10.0, HERE),), soonest_s=20.0)
    assert judge_loitering(truth(walked_up), [Alarm(20.0, HERE)]).delay_s == -3.0
    assert judge_loitering(truth(walked_up), [Alarm(18.5, HERE)]).false == 1


def test_the_box_may_be_of_the_picture_up_to_five_seconds_ago():
    path = tuple((t / 2, (0.02 * t / 2, 0.2, 0.2, 0.6)) for t in range(80))
    walker = truth(Stay(0.0, 40.0, 20.0, path))
    assert judge_loitering(walker, [Alarm(30.0, (0.02 * 26, 0.2, 0.2, 0.6))]).found == 1
    assert judge_loitering(walker, [Alarm(30.0, (0.02 * 10, 0.2, 0.2, 0.6))]).false == 1


@given(
    hits=st.integers(0, 6),
    false=st.integers(0, 5),
)
def test_f1_is_what_it_is_defined_to_be(hits, false):
    stays = [stay(20.0 * n, 20.0 * n + 15) for n in range(6)]
    alarms = [Alarm(20.0 * n + 10.5, HERE) for n in range(hits)]
    alarms += [Alarm(1.0, HERE)] * false
    score = judge_loitering(truth(*stays), alarms)
    precision = hits / (hits + false) if hits + false else 0.0
    recall = hits / 6
    expected = 2 * precision * recall / (precision + recall) if hits else 0.0
    assert score.f1 == pytest.approx(expected, abs=1e-4)


def test_faults_are_found_within_fifteen_seconds():
    faults = [Fault("covered", 20.0, 40.0), Fault("moved", 60.0, 80.0)]
    said = [Complaint(29.0, "covered"), Complaint(76.0, "moved"), Complaint(5.0, "frozen")]
    score = judge_health(truth(faults=faults), said, [41.0])
    assert (score.true, score.found, score.named, score.restored) == (2, 1, 1, 1)
    assert score.false == 1
    assert score.delays_s == [9.0]


def test_a_fault_by_another_name_is_found_but_not_named():
    score = judge_health(truth(faults=[Fault("dark", 20.0, 40.0)]), [Complaint(22.0, "defocused")])
    assert (score.found, score.named, score.false) == (1, 0, 0)
    also = truth(faults=[Fault("dark", 20.0, 40.0, also=("covered",))])
    assert judge_health(also, [Complaint(22.0, "covered")]).named == 1


def walk(*legs, height=100.0):
    """Return steps each 0.1 s through (t_s, x_px) corners."""
    times = np.arange(legs[0][0], legs[-1][0] + 1e-6, 0.1)
    places = np.interp(times, [t for t, _ in legs], [x for _, x in legs])
    return [(float(t), float(x), 0.0, height) for t, x in zip(times, places, strict=True)]


def test_who_stands_is_due_after_t_and_who_paces_after_two_t():
    standing = walk((0.0, 0.0), (40.0, 0.0))
    assert due_s(standing, T_S, 0.7, 2.0) == pytest.approx(10.0, abs=0.11)
    corners = [(4.0 * n, 250.0 * (n % 2)) for n in range(10)]
    assert due_s(walk(*corners), T_S, 0.7, 2.0) == pytest.approx(20.0, abs=0.11)


def test_who_goes_before_is_never_due():
    assert due_s(walk((0.0, 0.0), (9.5, 0.0)), T_S, 0.7, 2.0) is None
    strolling = walk((0.0, 0.0), (19.0, 600.0))
    assert due_s(strolling, T_S, 0.7, 2.0) is None
    assert due_s([], T_S, 0.7, 2.0) is None


def test_who_walks_up_first_is_due_once_t_is_spent_about_one_spot():
    steps = walk((0.0, 0.0), (5.0, 500.0), (30.0, 500.0))
    assert 14.0 < due_s(steps, T_S, 0.7, 2.0) < 15.2


def test_overlap_is_intersection_over_union():
    assert overlap(HERE, HERE) == pytest.approx(1.0)
    assert overlap(HERE, BESIDE) == 0.0
    assert overlap((0, 0, 0.2, 0.2), (0.1, 0, 0.2, 0.2)) == pytest.approx(1 / 3)


def test_per_day():
    assert per_day(1, 1800.0) == 48.0
    assert per_day(0, 0.0) is None
