"""Rights as a decision: nobody reaches out of a home, an incident or a district that is theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.permissions import GRANTS, Denied, Hidden, Place, Reach, Right, permit, reason
from app.accounts.principal import AT_HOME, Principal, Role
from core.errors import NotFound

districts = st.sampled_from(["", "Mapo-gu", "Gwanak-gu"])
places = st.builds(
    Place, st.just("h1"), st.sampled_from(["Mapo-gu", "Gwanak-gu"]), st.sampled_from([None, 7])
)
principals = st.builds(
    Principal,
    st.just("somebody"),
    st.sampled_from(Role),
    st.sampled_from([frozenset(), frozenset({"h1"})]),
    districts,
)


def test_every_right_is_somebodys() -> None:
    assert GRANTS.keys() == set(Right)
    assert all(GRANTS.values())


@given(principals, st.sampled_from(Right), st.none() | places)
def test_who_gets_a_reason_has_the_reach(who: Principal, right: Right, place: Place | None) -> None:
    try:
        why = reason(who, right, "h1", place)
    except Hidden:
        assert who.role in AT_HOME
        assert "h1" not in who.households
    except Denied as error:
        assert (error.who, error.right, error.household_id) == (who, right, "h1")
    except NotFound:
        assert place is None
    else:
        reach = GRANTS[right][who.role]
        assert why["reason"]
        if reach is Reach.OWN_HOME:
            assert "h1" in who.households
        else:
            assert place is not None
            assert who.answers_for(place.district)
        if reach is Reach.OPEN_INCIDENT:
            assert why["incident_id"] == 7


@given(principals, st.sampled_from(Right))
def test_a_role_without_a_right_is_denied(who: Principal, right: Right) -> None:
    if who.role in GRANTS[right]:
        assert permit(who, right) is GRANTS[right][who.role]
    else:
        with pytest.raises(Denied):
            permit(who, right)
