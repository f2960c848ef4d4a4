"""Commands, live view and talk through the API: who may, why it is logged, how each no is told."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from alerts.audit import verify
from app.api import live as live_route
from core.frames import Frame
from gateway import registry
from households.guardians import GuardianRight, add_guardian, limit_guardian

from .conftest import NOW
from .doors import CAMERA, OTHER, Doors, doors_of

pytestmark = pytest.mark.integration


@pytest.fixture
def doors(api, conn) -> Iterator[Doors]:
    with doors_of(api, conn) as made:
        yield made


def white() -> Frame:
    jpeg = cv2.imencode(".jpg", np.full((80, 120, 3), 255, np.uint8))[1].tobytes()
    return Frame(7, 1_700_000_000_000_000, infrared=False, motion=False, jpeg=jpeg)


# commands


@pytest.mark.parametrize(
    ("role", "type_", "reason", "incident", "status"),
    [
        ("resident", "light.on", "", False, 200),
        ("resident", "reboot", "", False, 403),
        ("guardian", "light.on", "", False, 403),
        ("operator", "siren.on", "", False, 403),
        ("operator", "siren.on", "a neighbour called", False, 200),
        ("operator", "siren.on", "", True, 200),
        ("operator", "update", "", True, 403),
        ("officer", "siren.on", "curious", True, 403),
        ("technician", "reboot", "frozen since noon", False, 200),
        ("technician", "siren.on", "a test", True, 403),
        ("administrator", "identify", "", False, 200),
    ],
)
def test_who_may_command(doors, conn, open_incident, role, type_, reason, incident, status) -> None:
    if incident:
        open_incident("own")
    data = {"version": "2", "url": "https://x/f", "sha256": "0" * 64, "signature": "s"}
    answer = doors.command(type_, role, reason=reason, data=data if type_ == "update" else {})
    assert answer.status_code == status, answer.text
    (line,) = doors.log()
    assert line[0] == f"the-{role}"
    assert line[2] == "own"
    if status == 200:
        assert answer.json()["data"] == {"did": type_}
        assert (line[3]["command"], line[3]["device"]) == (type_, CAMERA)
        assert line[3]["reason"] == (
            "own home"
            if role == "resident"
            else reason or ("open incident" if incident else "district")
        )
        assert doors.asked() == [type_]
    else:
        assert line[1] == "refused"
        assert doors.asked() == []
    assert verify(conn) == []


def test_a_resident_learns_of_no_device_but_their_own(doors) -> None:
    for device in (OTHER, "cam-nowhere"):
        answer = doors.command("light.on", device=device)
        assert answer.status_code == 404
    assert doors.asked() == []


@pytest.mark.parametrize(
    ("says", "status", "name"),
    [
        (None, 504, "device-silent"),
        ((False, {"reason": "busy"}), 409, "device-busy"),
        ((False, {"reason": "no siren"}), 409, "device-refused"),
    ],
)
def test_each_no_is_told_in_words_and_logged(doors, says, status, name) -> None:
    doors.says["siren.on"] = says
    answer = doors.command("siren.on")
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:doorguard:problem:{name}"
    assert answer.json()["title"]
    assert [line[1] for line in doors.log()] == ["command", "command.failed"]
    assert doors.log()[1][3]["outcome"] == name.removeprefix("device-")


def test_a_device_that_left_is_away(doors, conn) -> None:
    doors.says["light.on"] = None
    conn.execute("INSERT INTO device_state (device_id, online) VALUES (%s, false)", (CAMERA,))
    answer = doors.command("light.on")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:doorguard:problem:device-away")


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("open.door", {}),
        ("live.start", {}),
        ("siren.on", {"for_s": 0}),
        ("siren.on", {"volume": 11}),
        ("announce", {"message": "../etc"}),
    ],
)
def test_what_is_no_command_is_refused_before_anything(doors, type_, data) -> None:
    assert doors.command(type_, data=data).status_code == 400
    assert doors.log() == []
    assert doors.asked() == []


def test_a_stranger_learns_of_no_device(doors) -> None:
    doors.tokens["stranger"] = "nonsense"
    for device in (CAMERA, "cam-nowhere"):
        assert doors.command("light.on", "stranger", device).status_code == 401


def test_a_look_that_failed_is_hidden_with_the_incident_it_was_for(
    doors, conn, open_incident
) -> None:
    """Under duress the home must not see that somebody looks after it."""
    open_incident("own")
    doors.says["siren.on"] = None
    doors.command("siren.on", "operator")
    conn.execute("UPDATE incidents SET shown_state = 'cancelled'")
    views = doors.request("GET", "/v1/households/own/views", "resident").json()["items"]
    assert [view["actor"] for view in views] == []


# live view


def test_a_view_shows_pictures_and_is_logged_first(doors) -> None:
    with doors.socket("live", "resident") as socket:
        socket.send({"rate_fps": 5})
        assert socket.text()["live"] is True
        assert [line[:3] for line in doors.log()] == [("the-resident", "live", "own")]
        doors.cameras.send(CAMERA, white())
        message = socket.picture()
        assert struct.unpack(">QI", message[:12]) == (1_700_000_000_000_000, 7)
        assert message[12:] == white().jpeg
        socket.send({"more": True})
        assert socket.text()["live"] is True
        assert doors.log()[1][3]["more"] is True
    doors.until_asked("live.start", "live.start", "live.stop")


def test_an_operator_looks_for_an_incident_or_a_reason(doors, open_incident) -> None:
    with doors.socket("live", "operator") as socket:
        socket.send({})
        assert socket.ended()["ended"] == "denied"
    with doors.socket("live", "operator") as socket:
        socket.send({"reason": "the caretaker saw smoke"})
        assert socket.text()["live"] is True
    incident = open_incident("own")
    with doors.socket("live", "operator") as socket:
        socket.send({})
        assert socket.text()["live"] is True
    reasons = [line[3].get("reason") for line in doors.log()]
    assert reasons == [None, "the caretaker saw smoke", "open incident"]
    assert doors.log()[2][3]["incident_id"] == incident


def test_the_resident_reads_who_looked_and_why(doors) -> None:
    with doors.socket("live", "operator") as socket:
        socket.send({"reason": "the caretaker saw smoke"})
        socket.text()
    views = doors.request("GET", "/v1/households/own/views", "resident").json()["items"]
    assert (views[0]["actor"], views[0]["action"]) == ("the-operator", "live")
    assert views[0]["detail"]["reason"] == "the caretaker saw smoke"


def test_a_guardian_looks_and_talks_as_far_as_they_were_let(doors, conn) -> None:
    def tried(what: str) -> str:
        with doors.socket(what, "guardian") as socket:
            socket.send({})
            return next(iter(socket.text()))

    assert tried("live") == tried("talk") == "ended"
    add_guardian(
        conn, "own", "the-guardian",
        name="Son", relation="son", phone="", rights=[GuardianRight.LOOK], by="x", now=NOW,
    )  # fmt: skip
    assert tried("live") == "live"
    assert tried("talk") == "ended"
    limit_guardian(conn, "own", "the-guardian", [GuardianRight.TALK])
    assert tried("live") == "ended"
    assert tried("talk") == "ice_servers"
    assert doors.request("GET", "/v1/households/own/door", "guardian").status_code == 403


@pytest.mark.parametrize(
    ("role", "home", "device", "word"),
    [
        ("resident", "other", OTHER, "not_found"),
        ("resident", "own", OTHER, "not_found"),
        ("technician", "own", CAMERA, "denied"),
        ("officer", "own", CAMERA, "denied"),
    ],
)
def test_nobody_else_looks(doors, role, home, device, word) -> None:
    with doors.socket("live", role, home, device) as socket:
        socket.send({"reason": "please"})
        assert socket.ended()["ended"] == word
    assert doors.asked() == []


@pytest.mark.parametrize(
    ("says", "word"),
    [(None, "silent"), ((False, {"reason": "busy"}), "busy"), ((False, {}), "refused")],
)
def test_a_camera_that_does_not_play_along_is_told(doors, says, word) -> None:
    doors.says["live.start"] = says
    with doors.socket("live", "resident") as socket:
        socket.send({})
        assert socket.ended()["ended"] == word
    assert [line[1] for line in doors.log()] == ["live", "live.failed"]


def test_a_view_ends_with_its_minute(doors, clock) -> None:
    with doors.socket("live", "resident") as socket:
        socket.send({})
        socket.text()
        clock.advance(60)
        assert socket.ended()["ended"] == "time"


def test_what_is_not_understood_ends_the_conversation(doors, monkeypatch) -> None:
    with doors.socket("live", "resident") as socket:
        socket.send("[]")
        assert socket.ended()["ended"] == "bad_request"
    monkeypatch.setattr("app.api.sockets.FIRST_WITHIN_S", 0.05)
    with doors.socket("live", "resident") as socket:
        assert socket.ended()["ended"] == "bad_request"


def test_without_a_token_and_from_elsewhere_nothing_is_shown(doors) -> None:
    doors.tokens["stranger"] = "nonsense"
    with doors.socket("live", "stranger") as socket:
        socket.send({})
        assert socket.ended()["ended"] == "signed_out"
    with doors.socket("live", "resident", Origin="https://elsewhere.example") as socket:
        socket.send({})
        assert socket.ended()["ended"] == "denied"


def test_a_snapshot_is_masked_and_logged(doors, conn) -> None:
    left = {"name": "left", "polygon": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}
    registry.configure(conn, CAMERA, {"masks": [left]})
    doors.commands.devices[CAMERA] = lambda *_: (doors.cameras.send(CAMERA, white()), (True, {}))[1]
    answer = doors.request("GET", f"/v1/households/own/devices/{CAMERA}/snapshot", "resident")
    assert answer.status_code == 200
    assert answer.headers["x-captured-at"] == "1700000000000000"
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture[:, :50].max() < 12
    assert picture[:, 70:].min() > 240
    assert doors.log()[0][3]["snapshot"] is True


# talk


def test_a_talk_is_offered_answered_and_ended_by_the_unit(doors) -> None:
    doors.says["talk.offer"] = (True, {"sdp": "v=0 answer"})
    with doors.socket("talk", "resident") as socket:
        socket.send({})
        assert socket.text() == {"ice_servers": []}
        socket.send({"offer": "v=0 offer"})
        assert socket.text() == {"answer": "v=0 answer"}
        socket.send({"candidate": "candidate:1", "sdp_mid": "0", "sdp_mline_index": 0})
        doors.until_asked("talk.offer", "talk.candidate")
        socket.send({"candidate": ""})
        doors.commands.tell(CAMERA, "c1", {"ended": "hung up"})
        assert socket.ended() == {"ended": "hung up", "detail": ""}
    doors.until_asked("talk.offer", "talk.candidate")
    assert [line[:3] for line in doors.log()] == [("the-resident", "talk", "own")]


def test_closing_the_page_hangs_up(doors) -> None:
    doors.says["talk.offer"] = (True, {"sdp": "v=0 answer"})
    with doors.socket("talk", "resident") as socket:
        socket.send({})
        socket.text()
        socket.send({"offer": "v=0 offer"})
        socket.text()
    doors.until_asked("talk.offer", "talk.end")


@pytest.mark.parametrize(
    ("says", "word"),
    [(None, "silent"), ((False, {"reason": "busy"}), "busy"), ((True, {}), "refused")],
)
def test_a_talk_that_does_not_begin_is_told(doors, says, word) -> None:
    doors.says["talk.offer"] = says
    with doors.socket("talk", "resident") as socket:
        socket.send({})
        socket.text()
        socket.send({"offer": "v=0 offer"})
        assert socket.ended()["ended"] == word
    assert [line[1] for line in doors.log()] == ["talk", "talk.failed"]


def test_the_relays_password_is_told_to_who_was_let_in_alone(doors, monkeypatch) -> None:
    monkeypatch.setattr(
        "app.api.talk.ice_servers", lambda *_: [{"urls": ["turn:x"], "credential": "secret"}]
    )
    with doors.socket("talk", "operator") as socket:
        socket.send({})
        assert "secret" not in json.dumps(socket.ended())


def test_reasons_are_short(doors) -> None:
    with doors.socket("live", "operator") as socket:
        socket.send({"reason": "x" * (live_route.MAX_REASON + 1)})
        assert socket.ended()["ended"] == "bad_request"
        with pytest.raises(ConnectionClosed):
            socket.text()
