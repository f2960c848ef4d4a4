"""AVS-01: the level follows from what is known, and from nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.validation import BY_TYPE, Override, Reason, computed, level, reasons_of
from core.catalogue import CATALOGUE

reasons = st.lists(st.sampled_from(Reason), max_size=6, unique=True)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ((), 0),
        ((Reason.FAULT,), 0),
        ((Reason.TEST, Reason.FAULT), 0),
        ((Reason.DOOR_FORCED,), 1),
        ((Reason.TAMPERED,), 1),
        ((Reason.PERSON_FOUND,), 1),
        ((Reason.CAMERA_DISTURBED, Reason.FAULT), 1),
        ((Reason.NO_SIGN_OF_LIFE,), 1),
        ((Reason.PERSON_SEEN,), 2),
        ((Reason.DOOR_FORCED, Reason.TAMPERED), 2),
        ((Reason.PERSON_FOUND, Reason.DOOR_FORCED), 3),
        ((Reason.PERSON_SEEN, Reason.TAMPERED), 3),
        ((Reason.CALLED,), 4),
        ((Reason.DURESS,), 4),
        ((Reason.CALLED, Reason.CODE_WORD), 0),
        ((Reason.CALLED, Reason.CODE_WORD, Reason.DURESS), 4),
    ],
)
def test_levels(known: tuple[Reason, ...], expected: int) -> None:
    assert computed(known) == expected


def test_what_each_event_tells() -> None:
    assert set(BY_TYPE) <= set(CATALOGUE)
    assert reasons_of("loiter.started", pictured=True) == (Reason.PERSON_SEEN,)
    assert reasons_of("loiter.updated", pictured=False) == (Reason.PERSON_FOUND,)
    assert reasons_of("camera.covered", pictured=True) == (Reason.CAMERA_DISTURBED,)
    assert reasons_of("battery.low", pictured=False) == (Reason.FAULT,)


@given(reasons, st.randoms(use_true_random=False))
def test_neither_order_nor_number_matters(known: list[Reason], random: object) -> None:
    shuffled = [*known, *known]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert computed(shuffled) == computed(known)
    assert 0 <= computed(known) <= 4


@given(reasons, st.sampled_from(sorted(set(Reason) - {Reason.CODE_WORD})))
def test_only_the_code_word_lowers(known: list[Reason], more: Reason) -> None:
    assert computed([*known, more]) >= computed(known)


@given(reasons, st.integers(0, 4), reasons)
def test_an_operators_level_stands_and_evidence_only_raises_it(
    before: list[Reason], chosen: int, after: list[Reason]
) -> None:
    override = Override(chosen, len(before))
    fresh = [one for one in after if one not in before]
    assert level(before, override) == chosen
    found = level([*before, *fresh], override)
    assert found >= chosen
    if Reason.DURESS in fresh:
        assert found == 4
    if Reason.CALLED in fresh and Reason.CODE_WORD not in fresh and chosen < 4:
        assert found == max(chosen, computed([*before, *fresh]))
