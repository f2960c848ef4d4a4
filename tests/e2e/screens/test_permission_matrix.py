"""Every route of the real application, by every role, at a home of the own and of another district.

What is expected stands here once more, by hand: a slip in `app.accounts.permissions` fails.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import itsdangerous
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_socket

from alerts.audit import verify
from app.accounts.permissions import Denied
from app.accounts.principal import AT_HOME, Role
from app.accounts.routes import PREFIXES
from app.accounts.sessions import open_session
from app.accounts.tokens import issue_token
from app.api.desk import Desk
from app.console import actions
from app.console.judging import Finding
from core.clock import SystemClock
from core.database import Connection, Database, connect
from core.objects import Objects
from core.secrets import derive
from gateway import registry
from households.guardians import GuardianRight, add_guardian
from tests.conftest import PostgresServer
from tests.e2e.screens.homes import raise_event
from tests.e2e.screens.serving import KEY, ROOT, Server, settings_of
from tests.integration.app_api.conftest import put_user

pytestmark = pytest.mark.integration

OWN, OTHER = "Mapo-gu", "Gwanak-gu"
DIGEST = hashlib.sha256(b"").hexdigest()
HOME = "resident"
DISPATCH = "operator supervisor administrator"
LEADERS = "supervisor officer administrator"
ON_SITE = "technician supervisor administrator"
ALL = " ".join(Role)
OPEN = "everybody"  # asks for no right: public, or by a secret in the address

# who may; for routes with a home in them, at a home of their own district
EXPECTED: dict[tuple[str, str], str] = {
    ("GET", "/v1/households/{id}/events"): "resident operator supervisor",
    ("GET", "/v1/households/{id}/devices"): "resident operator supervisor technician",
    ("GET", "/v1/households/{id}/evidence/{sha256}"): "resident operator supervisor",
    ("GET", "/v1/households/{id}/views"): HOME,
    ("POST", "/v1/households/{id}/sos"): "resident guardian",
    ("GET", "/v1/households/{id}/incidents"): "resident guardian",
    ("GET", "/v1/me"): OPEN,
    ("GET", "/home"): "resident guardian",
    ("GET", "/console/door"): "resident guardian operator supervisor",
    ("GET", "/v1/households/{id}/now"): "resident guardian",
    ("GET", "/v1/households/{id}/changes"): "resident guardian",
    ("GET", "/v1/households/{id}/door"): "resident operator supervisor",
    ("PUT", "/v1/households/{id}/mode"): HOME,
    ("GET", "/v1/households/{id}/guardians"): HOME,
    ("POST", "/v1/households/{id}/guardians"): HOME,
    ("PUT", "/v1/households/{id}/guardians/{user}"): HOME,
    ("DELETE", "/v1/households/{id}/guardians/{user}"): HOME,
    ("GET", "/v1/households/{id}/on-test"): ON_SITE,
    ("PUT", "/v1/households/{id}/on-test"): ON_SITE,
    ("DELETE", "/v1/households/{id}/on-test"): ON_SITE,
    ("GET", "/v1/households/{id}/care"): f"{LEADERS} resident",
    ("PUT", "/v1/households/{id}/care"): f"{LEADERS} resident",
    ("DELETE", "/v1/households/{id}/care"): f"{LEADERS} resident",
    ("GET", "/v1/households/{id}/contacts"): f"{LEADERS} resident",
    ("POST", "/v1/households/{id}/contacts"): LEADERS,
    ("DELETE", "/v1/households/{id}/contacts/{contact}"): f"{LEADERS} resident",
    ("PUT", "/v1/devices/{device}/behind"): "technician administrator",
    ("DELETE", "/v1/devices/{device}/behind"): "technician administrator",
    ("GET", "/v1/households/{id}/devices/{device}/snapshot"): "resident operator supervisor",
    ("WS", "/v1/households/{id}/devices/{device}/live"): "resident operator supervisor",
    ("WS", "/v1/households/{id}/devices/{device}/talk"): "resident operator supervisor",
    ("POST", "/v1/devices/{device}/commands"): "resident operator supervisor",
    ("POST", "/v1/households/{id}/incidents/{incident}/cancel"): HOME,
    ("GET", "/v1/incidents/{id}"): DISPATCH,
    ("POST", "/v1/incidents/{id}/acknowledge"): DISPATCH,
    ("POST", "/v1/incidents/{id}/take-over"): DISPATCH,
    ("POST", "/v1/incidents/{id}/verify"): DISPATCH,
    ("POST", "/v1/incidents/{id}/level"): DISPATCH,
    ("POST", "/v1/incidents/{id}/close"): DISPATCH,
    ("POST", "/v1/incidents/{id}/reopen"): DISPATCH,
    ("GET", "/v1/households/{id}/cases/{device}/{case}"): "resident operator supervisor",
    (
        "GET",
        "/v1/households/{id}/cases/{device}/{case}/pictures/{sha256}",
    ): "resident operator supervisor",
    (
        "GET",
        "/v1/households/{id}/cases/{device}/{case}/film.mp4",
    ): "resident operator supervisor",
    ("GET", "/v1/incidents/{id}/calls"): DISPATCH,
    ("POST", "/v1/incidents/{id}/calls"): DISPATCH,
    ("POST", "/v1/incidents/{id}/calls/{call}/steps/{step}"): DISPATCH,
    ("POST", "/v1/incidents/{id}/calls/{call}/end"): DISPATCH,
    ("GET", "/v1/incidents/{id}/export"): LEADERS,
    ("GET", "/v1/figures"): f"{LEADERS} operator",
    ("GET", "/v1/rosters"): f"{LEADERS} operator",
    ("GET", "/v1/responders"): f"{LEADERS} operator",
    ("POST", "/v1/pages/{token}/accept"): OPEN,
    ("POST", "/v1/pages/{token}/decline"): OPEN,
    ("POST", "/v1/pages/{token}/departed"): OPEN,
    ("POST", "/v1/pages/{token}/arrived"): OPEN,
    ("GET", "/v1/pages/{token}"): OPEN,
    ("POST", "/v1/pages/{token}/sharing"): OPEN,
    ("DELETE", "/v1/pages/{token}/sharing"): OPEN,
    ("POST", "/v1/pages/{token}/position"): OPEN,
    ("POST", "/v1/pages/{token}/done"): OPEN,
    ("GET", "/page/{token}"): OPEN,
    ("GET", "/responder/{token}"): OPEN,
    ("GET", "/page/{token}/evidence/{sha256}"): OPEN,
    ("GET", "/"): DISPATCH,
    ("GET", "/console/evidence/{incident_id}/{sha256}"): DISPATCH,
    ("GET", "/console/figures"): f"{LEADERS} operator",
    ("GET", "/console/history"): LEADERS,
    ("GET", "/console/history/{incident_id}"): LEADERS,
    ("GET", "/console/homes"): f"{LEADERS} technician",
    ("POST", "/console/homes/{household}/on-test"): ON_SITE,
    ("POST", "/console/homes/{household}/off-test"): ON_SITE,
    ("GET", "/console/homes/{household}"): f"{LEADERS} technician",
    ("POST", "/console/homes/{household}/care"): LEADERS,
    ("POST", "/console/homes/{household}/care/end"): LEADERS,
    ("POST", "/console/homes/{household}/contacts"): LEADERS,
    ("POST", "/console/homes/{household}/contacts/remove"): LEADERS,
    ("POST", "/console/homes/{household}/behind"): "technician administrator",
    ("GET", "/console/responders"): f"{LEADERS} operator",
    ("GET", "/console/rules"): f"{LEADERS} operator",
    ("POST", "/console/rules"): f"{LEADERS} operator",
    ("GET", "/console/audit"): LEADERS,
    ("GET", "/console/users"): "administrator",
    ("POST", "/console/users/add"): "administrator",
    ("POST", "/console/users/role"): "administrator",
    ("POST", "/console/users/password"): "administrator",
    ("POST", "/console/users/telephone"): "administrator",
    ("POST", "/console/users/sessions"): "administrator",
    ("POST", "/console/users/remove"): "administrator",
    ("GET", "/console/account"): OPEN,
    ("GET", "/login"): OPEN,
    ("POST", "/login"): OPEN,
    ("GET", "/login/code"): OPEN,
    ("POST", "/login/code"): OPEN,
    ("GET", "/login/enrol"): OPEN,
    ("POST", "/login/enrol"): OPEN,
    ("POST", "/logout"): OPEN,
    ("GET", "/healthz"): OPEN,
    ("GET", "/metrics"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/docs/oauth2-redirect"): OPEN,
}
FORMS = {
    "text": "x", "user": "nobody-here", "role": "operator",
    "silent_after_h": "24", "waking_from": "07:00", "waking_to": "22:00",
    "name": "A contact", "channel": "webhook", "address": "http://127.0.0.1:1/tell",
    "contact": "999", "device": "camera-mapo-gu",
    "minutes": "30", "reason": "a test",
}  # fmt: skip
BODIES: dict[str, object] = {
    "cancel": {"word": "not the word"},
    "level": {"level": 2, "why": "a test"},
    "calls": {"service": "police"},
    "{step}": {"done": True},
    "end": {"outcome": "broken_off"},
    "close": {"disposition": "test"},
    "reopen": {"why": "a test"},
    "mode": {"mode": "away"},
    "on-test": {"minutes": 30, "reason": "a test"},
    "guardians": {"name": "A guardian", "rights": []},
    "{user}": {"rights": []},
    "care": {"silent_after_h": 24},
    "contacts": {"name": "A contact", "webhook_url": "http://127.0.0.1:1/tell"},
    "behind": {"gateway": "camera-mapo-gu"},
    "commands": {"type": "light.on"},
}


@dataclass
class Stage:
    """A running server, and for each role and district somebody with a token and a session."""

    server: Server
    conn: Connection
    desk: Desk
    incidents: dict[str, int]
    tokens: dict[tuple[Role, str], str] = field(default_factory=dict)
    cookies: dict[tuple[Role, str], str] = field(default_factory=dict)
    sessions: dict[tuple[Role, str], dict[str, str]] = field(default_factory=dict)

    def refusals(self) -> list[tuple[str, str | None]]:
        rows = self.conn.execute(
            "SELECT actor, household_id FROM access_log WHERE action = 'refused' ORDER BY n"
        ).fetchall()
        return [(row["actor"], row["household_id"]) for row in rows]


def cookie_of(session: dict[str, str]) -> str:
    """Sign a session into a cookie, as Starlette's middleware does."""
    signer = itsdangerous.TimestampSigner(derive(KEY, "console-session"))
    return signer.sign(b64encode(json.dumps(session).encode())).decode()


def user_of(role: Role, district: str) -> str:
    return f"{role}-of-{district.lower()}"


@pytest.fixture(scope="module")
def stage(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("matrix")
    dsn = postgres_server.clone()
    server = Server(dsn, folder)
    server.start()
    conn = connect(dsn, autocommit=True)
    settings = settings_of(dsn, server.port, folder)
    database = Database(dsn, application="matrix", max_size=4)
    database.open()
    desk = Desk(settings, database, SystemClock(), Objects(settings.objects), lambda *_: None)  # type: ignore[arg-type,return-value]
    made = Stage(server, conn, desk, {})
    for district in (OWN, OTHER):
        home = f"home-{district.lower()}"
        conn.execute(
            "INSERT INTO households (household_id, name, district, lat, lon)"
            " VALUES (%s, 'A home', %s, 37.5, 127)",
            (home, district),
        )
        registry.add_device(
            conn,
            f"camera-{district.lower()}",
            household_id=home,
            kind="camera",
            now=datetime.now(UTC),
        )
        add_guardian(
            conn, home, user_of(Role.GUARDIAN, district),
            name="A guardian", relation="", phone="", rights=[GuardianRight.ALARMS],
            by="the test", now=datetime.now(UTC),
        )  # fmt: skip
        made.incidents[district] = raise_event(conn, settings, home, "sos.pressed")
        for role in Role:
            homes = [home] if role in AT_HOME else []
            user = user_of(role, district)
            put_user(conn, user, role, homes, "" if role in AT_HOME else district)
            key = (role, district)
            made.tokens[key] = issue_token(conn, user, datetime.now(UTC))
            made.sessions[key] = open_session(conn, user, datetime.now(UTC))
            made.cookies[key] = cookie_of(made.sessions[key])
    yield made
    database.close()
    conn.close()
    server.stop()
    postgres_server.drop(dsn)


def test_every_route_of_the_application_stands_here(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "tests.e2e.screens.routes", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    routes = {tuple(json.loads(line)) for line in printed.splitlines() if line.startswith("[")}
    assert len(routes) > 40
    assert {route for route in routes if not route[1].startswith(PREFIXES)} == set(EXPECTED)


def _address(path: str, district: str, incident: int) -> str:
    home = f"home-{district.lower()}" if "/households/" in path else str(incident)
    return (
        path.replace("{id}", home)
        .replace("{household}", f"home-{district.lower()}")
        .replace("{incident}", str(incident))
        .replace("{incident_id}", str(incident))
        .replace("{sha256}", DIGEST)
        .replace("{token}", "1.not-a-secret")
        .replace("{device}", f"camera-{district.lower()}")
        .replace("{user}", "nobody")
        .replace("{contact}", "999")
        .replace("{case}", "1-1")
        .replace("{call}", "999")
        .replace("{step}", "where")
    )


_CLOSED_WITH = {"signed_out": 401, "denied": 403, "not_found": 404}


def _ask(method: str, path: str, url: str, **given: object) -> tuple[int, str]:
    """Return status and text of an answer; of a WebSocket, the status its last words stand for."""
    if method == "WS":
        headers = given.get("headers")
        with connect_socket(url.replace("http", "ws", 1), additional_headers=headers) as socket:  # type: ignore[arg-type]
            with suppress(ConnectionClosed):  # refused before we have said a word
                socket.send("{}")
            told = json.loads(socket.recv(timeout=30))
            return _CLOSED_WITH.get(told.get("ended"), 200), str(told)
    sent: dict[str, object] = {}
    if path.startswith("/console/") and method == "POST":
        sent = {"data": FORMS}
    elif method in {"POST", "PUT"}:
        sent = {"json": BODIES.get(path.rpartition("/")[2])}
    with httpx.stream(method, url, timeout=30, **sent, **given) as answer:  # type: ignore[arg-type]
        endless = answer.headers.get("content-type", "").startswith("text/event-stream")
        return answer.status_code, "" if endless else answer.read().decode(errors="replace")


RIGHTS = {route: who for route, who in EXPECTED.items() if who != OPEN}


@pytest.mark.parametrize("where", [OWN, OTHER], ids=["own district", "other district"])
@pytest.mark.parametrize("role", Role)
def test_who_may(stage: Stage, role: Role, where: str) -> None:
    """Refused is 403, or 404 for residents, with one line in the access log each time."""
    key, user = (role, OWN), user_of(role, OWN)
    for (method, path), allowed in RIGHTS.items():
        names_a_place = "{" in path
        expected = role in allowed.split() and (where == OWN or not names_a_place)
        before = stage.refusals()
        api = path.startswith("/v1/")
        status, text = _ask(
            method,
            path,
            stage.server.url + _address(path, where, stage.incidents[where]),
            headers={"Authorization": f"Bearer {stage.tokens[key]}"} if api else {},
            cookies=None if api else {"doorguard": stage.cookies[key]},
        )
        refused = stage.refusals()[len(before) :]
        said = f"{method} {path} by {user} at {where}: {status} {text[:200]}"
        if expected:
            assert refused == [], said
            assert status != 401, said
        else:
            names_a_home = "/households/" in path or "/devices/" in path
            hidden = role in AT_HOME and where == OTHER and names_a_home
            assert status == (404 if hidden else 403), said
            assert [who for who, _ in refused] == [user], said
    assert verify(stage.conn) == []


ACTIONS: dict[str, tuple[object, ...]] = {
    "open_detail": (),
    "follow": (),
    "acknowledge": (),
    "take_over": (),
    "verify": (),
    "set_level": (2, "a test"),
    "dispatch": (None,),
    "close": (Finding("test", ""),),
    "note": ("a note",),
    "park": (60.0, "a test"),
    "unpark": (),
    "tick": ("look", True),
    "calls": (),
    "begin_call": ("police",),
    "tick_call": (999, "where", True),
    "end_call": (999, "broken_off", "", ""),
    "evidence_key": (DIGEST,),
}


def test_every_action_of_the_board_stands_here() -> None:
    def takes_a_session(function: object) -> bool:
        names = list(inspect.signature(function).parameters)  # type: ignore[arg-type]
        return names[:3] == ["desk", "session", "incident_id"]

    found = {
        name
        for name, function in inspect.getmembers(actions, inspect.isfunction)
        if function.__module__ == actions.__name__
        and not name.startswith("_")
        and takes_a_session(function)
    }
    assert found == set(ACTIONS)


@pytest.mark.parametrize("where", [OWN, OTHER], ids=["own district", "other district"])
@pytest.mark.parametrize("role", Role)
def test_who_may_act_at_the_board(stage: Stage, role: Role, where: str) -> None:
    for name, given in ACTIONS.items():
        expected = role in DISPATCH.split() and where == OWN
        before = stage.refusals()
        try:
            getattr(actions, name)(
                stage.desk, stage.sessions[role, OWN], stage.incidents[where], *given
            )
            denied = False
        except Denied:
            denied = True
        except Exception as error:  # noqa: BLE001 - what the incident says is no refusal
            assert type(error).__name__ in {"Conflict", "NotFound", "PermanentError"}, error
            denied = False
        refused = [who for who, _ in stage.refusals()[len(before) :]]
        assert denied is not expected, name
        assert refused == ([] if expected else [user_of(role, OWN)]), name


def test_without_a_session_or_token_nothing_is_seen(stage: Stage) -> None:
    for (method, path), allowed in EXPECTED.items():
        if allowed == OPEN:
            continue
        url = stage.server.url + _address(path, OWN, stage.incidents[OWN])
        status, _ = _ask(method, path, url)
        expected = 401 if path.startswith("/v1/") else (303, 403)
        assert status in ((expected,) if isinstance(expected, int) else expected), path
