"""Much at once: whatever else there is, a call for help stands first and is paged at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts import board, incidents, pages, rules
from core.database import Database
from tests.conftest import ManualClock
from tests.integration.alerts.story import SETTINGS, Story

pytestmark = pytest.mark.integration


FAULTS = ("battery.low", "power.lost", "fault.raised", "device.offline", "gateway.offline")


def faults_and_press(story: Story, *, press: bool) -> None:
    """Five hundred homes with a fault at once, of every kind; and perhaps somebody who calls."""
    homes = [f"home-{n}" for n in range(2, 502)]
    with story.database.transaction() as conn:
        conn.execute(
            "INSERT INTO households (household_id, name, lat, lon)"
            " SELECT id, id, 37.5, 127 FROM unnest(%s::text[]) AS id",
            (homes,),
        )
    events = [
        story.event(FAULTS[n % len(FAULTS)], f"camera-{home}", household_id=home)
        for n, home in enumerate(homes)
    ]
    if press:
        events.append(story.event("sos.pressed"))
    with story.database.transaction() as conn:
        for event in sorted(events, key=lambda one: one.household_id):
            incidents.on_event(conn, event, now=story.clock.now(), settings=story.settings)
    story.dispatcher.deliver_due()


@pytest.fixture
def paging_faults(database: Database, clock: ManualClock, tmp_path: Path) -> Story:
    """Somebody's own rules, by which a fault is paged for at once."""
    shipped = (Path(rules.__file__).parent / "default.toml").read_text(encoding="utf-8")
    last = shipped.index('name = "behind a silent gateway"')
    before, _, after = shipped[:last].rpartition('page = "nobody"')
    file = tmp_path / "rules.toml"
    file.write_text(f'{before}page = "at once"{after}{shipped[last:]}', encoding="utf-8")
    return Story(database, clock, SETTINGS.model_copy(update={"rules": file}))


def later(story: Story, minutes: float) -> None:
    """Let time pass, and then everything happen that is due by then."""
    story.skip(minutes=minutes)
    story.escalation.tick()
    story.dispatcher.deliver_due()


def test_a_flood_of_faults_pages_once_where_rules_page_for_faults(paging_faults: Story) -> None:
    story = paging_faults
    story.responder("crew")
    faults_and_press(story, press=False)
    assert story.paged() == [(0.0, "crew")]
    (first,) = story.table("SELECT incident_id FROM pages")
    story.incident = first["incident_id"]
    with story.database.transaction() as conn:
        assert pages.page_view(conn, story.page_of("crew")).grouped == 499
    story.accept("crew")
    later(story, 25)  # while somebody sees to it the others wait
    assert len(story.paged()) == 1
    story.close()
    later(story, 11)
    asked = story.table("SELECT DISTINCT incident_id FROM pages")
    assert len(asked) == 2, "the next one, by itself, for all that are left"
    waiting = story.table(
        "SELECT count(*) AS n FROM incidents i WHERE closed_at IS NULL AND EXISTS"
        " (SELECT FROM timers t WHERE t.incident_id = i.incident_id AND done_at IS NULL)"
    )
    assert waiting == [{"n": 499}], "nobody is forgotten"


def test_a_press_in_a_flood_of_paged_faults_waits_for_nothing(paging_faults: Story) -> None:
    paging_faults.responder("crew")
    paging_faults.responder("other", km=3)
    faults_and_press(paging_faults, press=True)
    kinds = {page.kind for page in paging_faults.pagers.pages}
    assert kinds == {"sos", "technical"}
    assert len(paging_faults.pagers.pages) == 2


def test_an_operator_pages_for_a_fault_in_a_flood(paging_faults: Story) -> None:
    story = paging_faults
    story.responder("crew")
    story.responder("other", km=3)
    faults_and_press(story, press=False)
    (waits,) = story.table(
        "SELECT incident_id FROM incidents i WHERE NOT EXISTS"
        " (SELECT FROM pages p WHERE p.incident_id = i.incident_id) ORDER BY 1 LIMIT 1"
    )
    with story.database.transaction() as conn:
        now, which = story.clock.now(), waits["incident_id"]
        incidents.dispatch(conn, which, actor="kim", now=now, settings=story.settings)
    story.dispatcher.deliver_due()
    assert [page.incident_id for page in story.pagers.pages][1:] == [waits["incident_id"]]


def test_five_hundred_faults_and_one_press(story: Story) -> None:
    story.responder("crew")
    story.responder("wrench", kind="engineer")
    faults_and_press(story, press=True)
    assert story.paged() == [(0.0, "crew")]  # the press; no guard is sent to a flat battery
    with story.database.transaction() as conn:
        counts, first = board.counts(conn), board.queue(conn, story.clock.now())[0]
    assert (counts["open"], counts["p1"], counts["p4"]) == (501, 1, 500)
    assert (first.kind, first.household_id) == ("sos", "home-1")


def test_three_homes_press_at_once_and_each_is_answered_by_another(story: Story) -> None:
    for n in (1, 2, 3):
        story.responder(f"crew-{n}", km=n)
    for home in ("home-2", "home-3"):
        story.home(home)
    called = {}
    for home in ("home-1", "home-2", "home-3"):
        called[home] = story.happens(story.event("sos.pressed", f"b-{home}", household_id=home))
    assert len(set(called.values())) == 3
    assert len(story.paged()) == 3  # nobody waits for another's incident
    story.fast_forward(minutes=1)
    for n, home in enumerate(called, start=1):
        story.incident = called[home] or 0
        story.accept(f"crew-{n}")
        assert story.states()[f"crew-{n}"] == "accepted"
        assert story.log_replays()


def test_a_button_that_sticks_is_one_incident(story: Story) -> None:
    story.responder("crew")
    for _ in range(200):
        story.press()
        story.skip(seconds=0.1)
    assert story.rows()["incidents"] == 1
    story.expect("crew")
    story.accept("crew")
    story.fast_forward(minutes=2)
    story.expect()


def test_a_hundred_garbled_findings_hold_no_press_up(story: Story) -> None:
    story.responder("crew")
    for n in range(100):
        data = b'{"evidence":[{"key":17}],"box":"none"}'
        story.happens(story.event("camera.covered", f"camera-{n}", data=data))
    story.press()
    story.expect("crew")
    assert story.card().kind == "sos"
