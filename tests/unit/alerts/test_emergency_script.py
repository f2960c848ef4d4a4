"""Scripts of calls: each says the address, none ends as taken before it was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.emergency_script import OUTCOMES, SERVICES, check_end, script
from alerts.policy import Kind
from app.console.words import CATALOGUE
from core.errors import Conflict

NAMES = sorted(
    {step.name for service in SERVICES for kind in Kind for step in script(service, kind)}
)


@pytest.mark.parametrize("kind", Kind)
def test_where_comes_first(kind: Kind) -> None:
    assert script("fire", kind)[0].name == "where"
    silent = kind is Kind.DURESS
    assert script("police", kind)[0].name == ("silent_approach" if silent else "where")


def test_every_step_has_words() -> None:
    wanted = {f"call.{name}" for name in (*NAMES, *SERVICES)}
    wanted |= {f"call.outcome.{outcome}" for outcome in OUTCOMES}
    assert wanted <= CATALOGUE["en"].keys()
    assert wanted <= CATALOGUE["ko"].keys()


@given(st.sampled_from(SERVICES), st.sampled_from(Kind), st.sets(st.sampled_from(NAMES)))
def test_taken_means_that_all_that_is_needed_was_said(
    service: str, kind: Kind, done: set[str]
) -> None:
    needed = {step.name for step in script(service, kind) if step.needed}  # type: ignore[arg-type]
    if needed <= done:
        check_end(service, kind, done, "taken", "Sergeant Lee")  # type: ignore[arg-type]
        with pytest.raises(Conflict, match="who took"):
            check_end(service, kind, done, "taken", " ")  # type: ignore[arg-type]
    else:
        with pytest.raises(Conflict) as caught:
            check_end(service, kind, done, "taken", "Sergeant Lee")  # type: ignore[arg-type]
        assert min(needed - done) in str(caught.value)
    check_end(service, kind, done, "broken_off", "")  # type: ignore[arg-type]
