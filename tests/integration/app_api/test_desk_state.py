"""What the desk keeps beside an incident's log, on a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import incidents
from alerts.audit import verify
from app.console import desk_state
from core.errors import Conflict, PermanentError

pytestmark = pytest.mark.integration


def lines(conn, incident: int) -> list[str]:
    rows = conn.execute(
        "SELECT detail->>'note' AS note FROM incident_log"
        " WHERE incident_id = %s AND move = 'note' ORDER BY n",
        (incident,),
    ).fetchall()
    return [row["note"] for row in rows]


def test_an_incident_is_parked_and_comes_back_by_itself(conn, clock, open_incident) -> None:
    incident, now = open_incident("own"), clock.now()
    with pytest.raises(PermanentError, match="not parked"), conn.transaction():
        desk_state.park(conn, incident, actor="desk", now=now, for_s=60, why="a life")
    conn.execute("UPDATE incidents SET priority = 3")
    for for_s, why in ((60, " "), (1, "too short"), (86_400, "too long")):
        with pytest.raises(PermanentError), conn.transaction():
            desk_state.park(conn, incident, actor="desk", now=now, for_s=for_s, why=why)
    with conn.transaction():
        desk_state.park(conn, incident, actor="desk", now=now, for_s=900, why="at nine")
    assert desk_state.read(conn, now).parked[incident].why == "at nine"
    assert desk_state.read(conn, now + timedelta(seconds=900)).parked == {}
    with conn.transaction():
        for _ in range(2):  # again changes nothing
            desk_state.unpark(conn, incident, actor="desk", now=now)
    assert desk_state.read(conn, now).parked == {}
    assert lines(conn, incident) == ["parked for 15 min: at nine", "no longer parked"]
    assert verify(conn) == []


def test_a_step_is_ticked_once_and_stands_in_the_log(conn, clock, open_incident) -> None:
    incident, now = open_incident("own"), clock.now()
    for done in (True, True, False):
        with conn.transaction():
            desk_state.tick(conn, incident, actor="desk", now=now, step="call_home", done=done)
    assert lines(conn, incident) == ["script: call_home done", "script: call_home taken back"]
    assert desk_state.read(conn, now).done == {}
    with conn.transaction():
        incidents.close(conn, incident, actor="desk", now=now, outcome="closed")
    with pytest.raises(Conflict), conn.transaction():
        desk_state.tick(conn, incident, actor="desk", now=now, step="call_home", done=True)


def test_shifts_leave_notes(conn, clock) -> None:
    with pytest.raises(PermanentError):
        desk_state.write_shift_note(conn, actor="desk", now=clock.now(), text="  ")
    for text in ("first", "second"):
        desk_state.write_shift_note(conn, actor="desk", now=clock.now(), text=text)
    assert [note.text for note in desk_state.read(conn, clock.now()).notes] == ["second", "first"]
