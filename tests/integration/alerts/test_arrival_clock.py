"""The 25 minutes: a breach is raised before it happens, positions count, and are forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import positions
from alerts.eta.refreshing import ask, keep, questions
from alerts.eta.street_factor import StreetFactor
from app.processes.road_times import RoadTimes
from core.errors import Conflict, PermanentError, TemporaryError
from core.ports import Origin
from tests.integration.alerts.story import DEGREES_PER_KM, SEOUL, SETTINGS, Story

pytestmark = pytest.mark.integration


class Roads:
    """A road service that says the same for everybody."""

    name = "osrm"

    def __init__(self, seconds: float | None, fault: str = "") -> None:
        self.answer, self.fault = seconds, fault

    def seconds(self, origins: list[Origin], lat: float, lon: float) -> list[float | None]:
        if self.fault:
            raise TemporaryError(self.fault)
        return [self.answer] * len(origins)


def seen(story: Story, responder_id: str, km: float) -> None:
    """Let the responder share that they are so far north of the home."""
    with story.database.transaction() as conn:
        page_id = story.page_of(responder_id)
        positions.share(conn, page_id, now=story.clock.now())
        positions.note(
            conn,
            page_id,
            lat=SEOUL[0] + km * DEGREES_PER_KM,
            lon=SEOUL[1],
            accuracy_m=10.0,
            now=story.clock.now(),
        )


def kept(story: Story) -> int:
    return int(story.table("SELECT count(*) AS n FROM responder_positions")[0]["n"])


def test_a_page_says_when_its_responder_is_expected(story: Story) -> None:
    story.responder("near", km=2)
    story.happens("sos.pressed")
    (row,) = story.table("SELECT eta_s, eta_by FROM pages")
    assert row["eta_by"] == "street factor"
    assert row["eta_s"] == pytest.approx(60 + 2000 * 1.4 / (20 / 3.6), rel=0.01)


def test_who_comes_in_time_raises_nothing(story: Story) -> None:
    story.responder("near", km=2)
    story.responder("boss", km=1, kind="supervisor")
    story.happens("sos.pressed")
    story.accept("near")
    story.wait(60)
    assert "breach" not in story.moves()
    assert [who for _, who in story.paged()] == ["near"]


def test_a_breach_is_raised_before_it_happens(story: Story) -> None:
    story.responder("far", km=8)  # expected after 34 minutes
    story.responder("next", km=9)
    story.responder("boss", km=1, kind="supervisor")
    story.happens("sos.pressed")
    story.accept("far")
    assert "breach" not in story.moves()
    story.wait(1)
    (line,) = [line for line in story.card().timeline if line.move == "breach"]
    assert line.detail["responder"] == "far"
    assert 480 < int(line.detail["late_s"]) < 660
    assert story.card().late_expected
    assert {who for _, who in story.paged()} == {"far", "next", "boss"}
    story.wait(120)
    assert story.moves().count("breach") == 1
    assert story.accept("next").accepted
    story.arrive("far")
    assert not story.card().late_expected
    assert story.log_replays()


def test_a_traffic_jam_on_the_way_is_seen_in_the_positions(story: Story) -> None:
    story.responder("near", km=3)
    story.responder("next", km=4)
    story.happens("sos.pressed")
    story.accept("near")
    story.wait(16 * 60)
    assert "breach" not in story.moves()
    seen(story, "near", 2.9)
    story.wait(16)
    assert "breach" in story.moves()
    assert [who for _, who in story.paged()] == ["near", "next"]


def test_positions_are_shared_on_the_job_only_and_forgotten_after(story: Story) -> None:
    story.responder("near", km=3)
    story.happens("sos.pressed")
    with pytest.raises(Conflict, match="on the job"):
        seen(story, "near", 2)
    story.accept("near")
    with story.database.transaction() as conn, pytest.raises(Conflict, match="not shared"):
        positions.note(
            conn, story.page_of("near"), lat=37, lon=127, accuracy_m=1, now=story.clock.now()
        )
    seen(story, "near", 2)
    seen(story, "near", 1)
    assert kept(story) == 1
    story.close()
    assert kept(story) == 0
    with pytest.raises(Conflict, match="on the job"):
        seen(story, "near", 1)


@pytest.mark.parametrize("end", ["withdraw", "unshare", "an hour"])
def test_every_end_of_sharing_deletes(story: Story, end: str) -> None:
    story.responder("near", km=3)
    story.happens("sos.pressed")
    story.accept("near")
    seen(story, "near", 2)
    if end == "withdraw":
        story.decline("near")
    else:
        with story.database.transaction() as conn:
            if end == "unshare":
                positions.unshare(conn, story.page_of("near"))
            else:
                positions.forget_old(conn, story.clock.now() + timedelta(hours=1))
    assert kept(story) == 0


@pytest.mark.parametrize(("lat", "accuracy_m"), [(91, 1), (float("nan"), 1), (37, -1), (37, 1e6)])
def test_what_is_no_position(story: Story, lat: float, accuracy_m: float) -> None:
    with story.database.transaction() as conn, pytest.raises(PermanentError):
        positions.note(conn, 1, lat=lat, lon=127, accuracy_m=accuracy_m, now=story.clock.now())


def test_a_pager_s_position_counts_and_the_oldest_count_nothing(story: Story) -> None:
    story.responder("walker", km=5)
    story.responder("near", km=2)
    story.table(
        "INSERT INTO devices (device_id, kind) VALUES ('pager-1', 'pager') RETURNING device_id"
    )
    story.table(
        "UPDATE responders SET device_id = 'pager-1' WHERE responder_id = 'walker' RETURNING 1"
    )
    at = story.clock.now() - timedelta(seconds=30)
    story.table(
        "INSERT INTO device_positions VALUES ('pager-1', %s, %s, 10, %s) RETURNING 1", *SEOUL, at
    )
    with story.database.transaction() as conn:
        assert set(positions.fixes_of(conn, story.clock.now())) == {"walker"}
        assert positions.fixes_of(conn, story.clock.now() + timedelta(hours=1)) == {}
    story.happens("sos.pressed")
    assert [who for _, who in story.paged()] == ["walker"]


def test_a_first_page_never_waits_and_the_next_knows_the_roads(story: Story) -> None:
    for name, km in (("a", 1), ("b", 2), ("c", 3)):
        story.responder(name, km=km)
    story.happens("sos.pressed")
    assert [who for _, who in story.paged()] == ["a"]
    with story.database.transaction() as conn:
        (question,) = questions(conn, now=story.clock.now(), timezone=SETTINGS.timezone)
        assert question.responders == ("a", "b", "c")
        keep(conn, question, {"b": 3000.0, "c": 60.0}, by="osrm", now=story.clock.now())
    story.wait(15)
    assert [who for _, who in story.paged()] == ["a", "c"]
    (row,) = story.table("SELECT eta_by FROM pages WHERE responder_id = 'c'")
    assert row["eta_by"] == "osrm"


def test_the_thread_asks_for_open_incidents_and_says_when_nobody_answers(story: Story) -> None:
    story.responder("a", km=1)
    roads = Roads(2400.0)
    thread = RoadTimes(roads, story.database, story.clock, SETTINGS)
    thread.look()
    assert thread.figures() == {"road_times_kept": 0, "road_service_fault": ""}
    story.happens("sos.pressed")
    roads.fault = "osrm: timed out"
    thread.look()
    assert thread.figures() == {"road_times_kept": 0, "road_service_fault": "osrm: timed out"}
    roads.fault = ""
    thread.look()
    assert thread.figures() == {"road_times_kept": 1, "road_service_fault": ""}
    story.accept("a")
    story.clock.advance(1)
    thread.look()
    story.wait(16)
    assert "breach" in story.moves()
    story.close()
    story.happens("sos.pressed")
    thread.look()
    assert [row["n"] for row in story.table("SELECT count(*) AS n FROM eta_estimates")] == [1]


def test_by_distance_the_same_port_answers(story: Story) -> None:
    story.responder("a", km=1)
    story.happens("sos.pressed")
    with story.database.transaction() as conn:
        (question,) = questions(conn, now=story.clock.now(), timezone=SETTINGS.timezone)
    times_s, fault = ask(StreetFactor(), question)
    assert (set(times_s), fault) == ({"a"}, "")
