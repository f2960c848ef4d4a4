"""An incident in an operator's hands: verifying, taking over, ending it, opening it again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from alerts import audit, incidents, pages
from alerts.lifecycle import State
from core.database import Connection, connect
from core.errors import Conflict, NotFound, PermanentError
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration


def _do(story: Story, move: Callable[..., Any], actor: str = "operator-1", **more: Any) -> None:
    with story.database.transaction() as conn:
        move(conn, story.incident, actor=actor, now=story.clock.now(), **more)


def _row(story: Story) -> dict[str, Any]:
    (row,) = story.table("SELECT * FROM incidents WHERE incident_id = %s", story.incident)
    return row


def test_from_the_press_to_the_finding(story: Story) -> None:
    story.responder("first")
    story.happens("sos.pressed")
    story.acknowledge()
    _do(story, incidents.verify)
    assert story.card().state is State.DISPATCHED  # somebody is being sent all the while
    story.accept("first")
    assert story.card().state is State.ACCEPTED
    for _ in range(2):
        with story.database.transaction() as conn:
            view = pages.depart(conn, story.page_of("first"), now=story.clock.now())
        assert view.incident_state is State.EN_ROUTE
    story.arrive("first")
    story.close()
    states = [line.state for line in story.card().timeline]
    assert list(dict.fromkeys(states)) == [
        "raised",
        "dispatched",
        "accepted",
        "en_route",
        "arrived",
        "closed",
    ]
    assert story.log_replays()


def test_only_who_accepted_can_be_on_the_way(story: Story) -> None:
    story.responder("first")
    story.happens("sos.pressed")
    before = story.rows()
    with story.database.transaction() as conn, pytest.raises(Conflict, match="only who has acc"):
        pages.depart(conn, story.page_of("first"), now=story.clock.now())
    assert story.rows() == before


def test_who_is_on_the_way_may_still_give_it_back(story: Story) -> None:
    story.responder("first")
    story.responder("second", km=2)
    story.happens("sos.pressed")
    story.accept("first")
    with story.database.transaction() as conn:
        pages.depart(conn, story.page_of("first"), now=story.clock.now())
    story.decline("first")
    assert story.card().state is State.DISPATCHED
    assert [who for _, who in story.paged()] == ["first", "second"]


def test_an_operator_verifies_what_they_have_in_hand(story: Story) -> None:
    story.happens("inactivity.raised")
    with pytest.raises(Conflict, match="acknowledge incident"):
        _do(story, incidents.verify)
    story.acknowledge()
    _do(story, incidents.verify)
    _do(story, incidents.verify)
    assert story.card().state is State.VERIFYING
    assert story.moves().count("verify") == 1


@pytest.mark.parametrize(
    ("move", "more"),
    [
        (incidents.verify, {}),
        (incidents.close, {"outcome": "closed"}),
        (incidents.set_level, {"level": 4, "why": "heard a scream"}),
    ],
)
def test_what_one_has_in_hand_another_must_take_over(
    story: Story, move: Callable[..., Any], more: dict[str, Any]
) -> None:
    story.happens("inactivity.raised")
    with pytest.raises(Conflict, match="nobody has incident"):
        _do(story, incidents.take_over)
    story.acknowledge("operator-1")
    before = story.rows()
    with pytest.raises(Conflict, match=r"operator-1 has incident \d+ in hand; take"):
        _do(story, move, "operator-2", **more)
    assert story.rows() == before
    _do(story, incidents.take_over, "operator-2")
    _do(story, incidents.take_over, "operator-2")
    assert story.card().acknowledged_by == "operator-2"
    assert story.moves().count("take_over") == 1
    _do(story, move, "operator-2", **more)
    assert story.log_replays()


def test_help_is_sent_by_whoever_sees_the_need(story: Story) -> None:
    story.responder("first")
    story.happens("inactivity.raised")
    story.acknowledge("operator-2")
    assert story.dispatch("first") is not None  # by operator-1


def _race(story: Story, moves: list[Callable[[Connection], None]]) -> list[str]:
    begun = threading.Barrier(len(moves))

    def carry_out(move: Callable[[Connection], None]) -> str:
        with connect(story.database.dsn) as conn:
            begun.wait()
            try:
                move(conn)
            except Conflict as conflict:
                return str(conflict)
        return "won"

    with ThreadPoolExecutor(len(moves)) as pool:
        return sorted(pool.map(carry_out, moves), key=lambda said: said != "won")


def test_of_two_operators_at_once_one_wins_and_the_other_is_told(story: Story) -> None:
    story.happens("inactivity.raised")
    now, incident = story.clock.now(), story.incident

    def acknowledge(actor: str) -> Callable[[Connection], None]:
        return lambda conn: incidents.acknowledge(conn, incident, actor=actor, now=now)

    answers = _race(story, [acknowledge("operator-1"), acknowledge("operator-2")])
    winner = story.card().acknowledged_by
    assert answers[0] == "won"
    assert answers[1].startswith(f"{winner} acknowledged incident")

    def close(outcome: incidents.Outcome) -> Callable[[Connection], None]:
        return lambda conn: incidents.close(
            conn,
            incident,
            actor=winner or "",
            now=now,
            outcome=outcome,
            cause="unknown" if outcome == "false_alarm" else None,
        )

    answers = _race(story, [close("closed"), close("false_alarm")])
    assert answers[0] == "won"
    assert answers[1] == f"incident {incident} is over: {story.card().state} by {winner}"
    assert story.log_replays()


def test_dispositions(story: Story) -> None:
    first = story.happens("inactivity.raised")
    _do(story, incidents.close, outcome="false_alarm", cause="animal")
    assert (_row(story)["state"], _row(story)["false_cause"]) == ("false_alarm", "animal")
    story.happens("inactivity.raised")
    _do(story, incidents.close, outcome="duplicate", duplicate_of=first)
    assert (_row(story)["state"], _row(story)["duplicate_of"]) == ("duplicate", first)
    story.happens("inactivity.raised")
    _do(story, incidents.close, outcome="test", note="the installer")
    assert (_row(story)["state"], _row(story)["closing_note"]) == ("test", "the installer")
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []


def test_dispositions_that_do_not_fit_change_nothing(story: Story) -> None:
    story.home("home-2")
    elsewhere = story.happens(story.event("inactivity.raised", household_id="home-2"))
    first = story.happens("inactivity.raised")
    other = story.happens("battery.low")
    _do(story, incidents.close, outcome="duplicate", duplicate_of=first)
    story.happens("battery.low")
    before = story.rows()
    for wrong, error in (
        ({"outcome": "closed", "cause": "animal"}, PermanentError),
        ({"outcome": "false_alarm", "cause": "ghosts"}, PermanentError),
        ({"outcome": "false_alarm"}, PermanentError),
        ({"outcome": "duplicate"}, PermanentError),
        ({"outcome": "closed", "duplicate_of": first}, PermanentError),
        ({"outcome": "duplicate", "duplicate_of": story.incident}, PermanentError),
        ({"outcome": "duplicate", "duplicate_of": other}, PermanentError),  # itself one
        ({"outcome": "duplicate", "duplicate_of": elsewhere}, NotFound),
        ({"outcome": "duplicate", "duplicate_of": 999}, NotFound),
    ):
        with pytest.raises(error):
            _do(story, incidents.close, **wrong)
    assert story.rows() == before


def test_reopened_it_is_in_the_hands_of_who_did(story: Story) -> None:
    story.responder("first")
    story.happens("sos.pressed")
    story.close("false_alarm")
    paged = len(story.paged())
    with pytest.raises(PermanentError, match="with a reason"):
        _do(story, incidents.reopen, "operator-2", why=" ")
    _do(story, incidents.reopen, "operator-2", why="the daughter telephoned")
    card = story.card()
    assert (card.state, card.acknowledged_by) == (State.ACKNOWLEDGED, "operator-2")
    assert (card.closed_at, card.closed_by, _row(story)["false_cause"]) == (None, None, None)
    story.wait(120)
    assert len(story.paged()) == paged  # a human decides
    with pytest.raises(Conflict, match="is open"):
        _do(story, incidents.reopen, why="again")
    story.dispatch("first")
    assert len(story.paged()) == paged + 1
    story.close(actor="operator-2")
    assert story.log_replays()
    with story.database.transaction() as conn:
        assert audit.verify(conn) == []


def test_what_happened_again_meanwhile_is_not_reopened(story: Story) -> None:
    first = story.happens("sos.pressed") or 0
    story.close()
    second = story.happens("sos.pressed")
    story.incident = first
    with pytest.raises(Conflict, match=f"incident {second} of the same kind is open"):
        _do(story, incidents.reopen, why="a mistake")
    assert story.card().state is State.CLOSED
