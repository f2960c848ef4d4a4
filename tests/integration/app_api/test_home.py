"""A home as its people see it: standing and changes, the door's day, the mode, guardians."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from alerts import code_words, pages, responders
from alerts.audit import verify
from app.accounts.principal import Role
from app.accounts.tokens import issue_token
from app.api import home_feed
from app.api.home_feed import help_of
from households.guardians import GuardianRight, add_guardian

from .conftest import NOW, caller, put_user

pytestmark = pytest.mark.integration


@pytest.fixture
def call(api):
    return caller(api, "resident")


def let(conn, *rights: GuardianRight) -> None:
    add_guardian(
        conn, "own", "the-guardian",
        name="Lee Young-hee", relation="daughter", phone="", rights=rights, by="x", now=NOW,
    )  # fmt: skip


# who I am


def test_me_tells_homes_and_rights(conn, call) -> None:
    mine = call("GET", "/v1/me").json()
    assert (mine["user_id"], mine["role"]) == ("the-resident", "resident")
    (home,) = mine["homes"]
    assert (home["household_id"], home["name"]) == ("own", "Home own")
    assert {"live", "talk", "sos", "mode", "guardians", "views"} <= set(home["rights"])
    assert call("GET", "/v1/me", "guardian").json()["homes"][0]["rights"] == []
    let(conn, GuardianRight.LOOK, GuardianRight.ALARMS)
    assert call("GET", "/v1/me", "guardian").json()["homes"][0]["rights"] == ["live", "sos"]
    assert call("GET", "/v1/me", "operator").json()["homes"] == []


# how it stands


def crew(conn) -> None:
    responders.add(
        conn, "crew-1",
        name="Crew Mapo 1", kind="crew", lat=37.501, lon=127.0,
        webhook_url="http://127.0.0.1:1/page", now=NOW,
    )  # fmt: skip


def test_a_quiet_home(call) -> None:
    now = call("GET", "/now").json()
    assert (now["mode"], now["incident"], now["devices"]) == ("home", None, [])


def test_an_sos_goes_from_received_to_arrived(api, conn, call, open_incident) -> None:
    crew(conn)
    open_incident("own")
    shown = call("GET", "/now").json()["incident"]
    assert (shown["kind"], shown["responder"], shown["accepted_at"]) == ("sos", None, None)
    assert shown["received_at"]
    (page,) = [row["page_id"] for row in conn.execute("SELECT page_id FROM pages").fetchall()]
    settings, seen = api.desk.settings, []
    for step in (
        lambda: pages.answer(conn, page, accept=True, now=NOW, settings=settings),
        lambda: pages.depart(conn, page, now=NOW),
        lambda: pages.arrive(conn, page, now=NOW),
    ):
        with conn.transaction():
            step()
        shown = call("GET", "/now").json()["incident"]
        seen.append([bool(shown[name]) for name in ("accepted_at", "departed_at", "arrived_at")])
        assert shown["responder"] == "Crew Mapo 1"
    assert seen == [[True, False, False], [True, True, False], [True, True, True]]


def test_who_gave_it_back_comes_no_longer() -> None:
    accept = {"move": "accept", "at": NOW, "responder": "A", "responder_kind": "crew", "eta_s": 60}
    assert help_of([accept])["responder"] == "A"
    for gone in ("withdraw", "overdue", "resend"):
        assert help_of([accept, {"move": gone, "at": NOW}])["responder"] is None


def cancelled(api, conn, call, open_incident, word: str) -> dict[str, object]:
    """Open an SOS, cancel it with a word, let help arrive, and return what the home is shown."""
    crew(conn)
    incident = open_incident("own")
    code_words.set_words(conn, "own", cancel="harmless", duress="help me", now=NOW)
    answer = call("POST", f"/incidents/{incident}/cancel", json={"word": word})
    assert answer.status_code == 200
    for row in conn.execute("SELECT page_id FROM pages WHERE state <> 'stood_down'").fetchall():
        with conn.transaction():
            pages.answer(
                conn, row["page_id"], accept=True, now=NOW + timedelta(seconds=9),
                settings=api.desk.settings,
            )  # fmt: skip
    return call("GET", "/now").json()["incident"]


def test_what_was_cancelled_under_duress_looks_cancelled_and_stays_so(
    api, conn, call, open_incident
) -> None:
    shown = cancelled(api, conn, call, open_incident, "help me")
    assert (shown["kind"], shown["state"], shown["responder"]) == ("sos", "cancelled", None)
    assert shown["closed_at"] is not None


def test_a_true_cancellation_looks_just_so(api, conn, call, open_incident) -> None:
    shown = cancelled(api, conn, call, open_incident, "harmless")
    assert (shown["kind"], shown["state"], shown["responder"]) == ("sos", "cancelled", None)
    assert shown["closed_at"] is not None


def test_technical_faults_are_not_the_residents_worry(conn, call, open_incident) -> None:
    open_incident("own")
    conn.execute("UPDATE incidents SET priority = 4, kind = 'technical'")
    assert call("GET", "/now").json()["incident"] is None


def test_nobody_else_sees_how_a_home_stands(call, conn) -> None:
    assert call("GET", "/v1/households/other/now").status_code == 404
    for role in ("operator", "supervisor", "officer", "technician", "administrator"):
        assert call("GET", "/now", role).status_code == 403
    assert call("GET", "/now", "guardian").status_code == 200, "that it is well, a guardian sees"
    assert call("GET", "/door", "guardian").status_code == 403


# as it changes


def test_changes_come_by_themselves_and_silence_is_told_from_quiet(
    api, conn, open_incident, monkeypatch
) -> None:
    monkeypatch.setattr(home_feed, "POLL_S", 0.05)

    async def events() -> list[tuple[str, dict[str, object]]]:
        """Read the stream to its third kind of event."""
        got: list[tuple[str, dict[str, object]]] = []
        from app.api import home  # noqa: PLC0415

        first = await asyncio.to_thread(home._enter, api.desk, api.tokens["resident"], "own")
        stream = home._stream(api.desk, api.tokens["resident"], "own", first)
        async with asyncio.timeout(30):
            async for chunk in stream:
                name, data = chunk.decode().split("\n")[:2]
                got.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
                if len(got) == 2:
                    await asyncio.to_thread(open_incident, "own")
                if len(got) > 2 and got[-1][0] == "standing":
                    break
        await stream.aclose()
        return got

    got = asyncio.run(events())
    assert [name for name, _ in got[:2]] == ["standing", "beat"]
    assert got[0][1]["incident"] is None
    assert got[-1][1]["incident"]["kind"] == "sos"
    assert got[-1][1]["as_of"]
    assert api.desk.homes.followers == 0
    api.desk.homes.stop()
    looks = conn.execute("SELECT action FROM access_log").fetchall()
    assert [look["action"] for look in looks] == ["home"], "one look, however long it lasts"


def test_a_removed_guardian_sees_no_more(api, conn, monkeypatch) -> None:
    from app.api import home  # noqa: PLC0415

    token = api.tokens["guardian"]
    assert home._still(api.desk, token, "own")
    conn.execute("UPDATE api_tokens SET revoked_at = now()")
    assert not home._still(api.desk, token, "own")


# the door's day


def test_the_doors_day_is_a_local_day(call, put_event) -> None:
    key = '{"method":"pin","user":"kim"}'
    midnight = NOW.replace(hour=15, minute=0)  # of the 23rd in Seoul
    put_event("own", midnight - timedelta(minutes=2), 1, event_type="door.unlocked", data=key)
    put_event("own", midnight - timedelta(minutes=1, seconds=50), 2, event_type="door.opened")
    put_event("own", midnight + timedelta(minutes=1), 3, event_type="bell.pressed")
    put_event("other", midnight, 4, event_type="door.opened")
    today = call("GET", "/door").json()
    assert (today["day"], today["timezone"]) == ("2026-11-22", "Asia/Seoul")
    assert [(line["what"], line["who"], line["method"]) for line in today["items"]] == [
        ("came", "kim", "pin")
    ]
    tomorrow = call("GET", "/door?day=2026-11-23").json()
    assert [line["what"] for line in tomorrow["items"]] == ["rang"]
    assert call("GET", "/door?day=tomorrow").status_code == 422


# the mode


def test_the_mode_is_set_shown_and_logged(conn, call) -> None:
    until = (NOW + timedelta(days=5)).isoformat()
    answer = call("PUT", "/mode", json={"mode": "holiday", "until": until})
    assert (answer.status_code, answer.json()["mode"]) == (200, "holiday")
    assert (
        call("PUT", "/mode", json={"mode": "holiday", "until": "2020-01-01T00:00:00Z"}).status_code
        == 400
    )
    assert call("PUT", "/mode", json={"mode": "asleep"}).status_code == 422
    assert call("PUT", "/mode", "guardian", json={"mode": "away"}).status_code == 403
    assert call("PUT", "/v1/households/other/mode", json={"mode": "away"}).status_code == 404
    lines = conn.execute("SELECT action, detail FROM access_log ORDER BY n").fetchall()
    assert [line["action"] for line in lines] == ["mode", "refused", "refused"]
    assert verify(conn) == []


# guardians


def test_a_guardian_is_named_signs_in_is_limited_and_removed(api, conn, clock, call) -> None:
    made = call(
        "POST", "/guardians",
        json={"name": "Lee Young-hee", "relation": "daughter", "rights": ["history"]},
    )  # fmt: skip
    assert made.status_code == 201
    user = made.json()["user_id"]
    assert made.json()["password"]
    listed = call("GET", "/guardians").json()["items"]
    assert [(one["user_id"], one["name"], one["rights"]) for one in listed] == [
        (user, "Lee Young-hee", ["history"])
    ]
    assert "password" not in listed[0]
    api.tokens["daughter"] = issue_token(conn, user, clock.now())
    assert call("GET", "/door", "daughter").status_code == 200
    assert call("POST", "/sos", "daughter").status_code == 403
    assert call("PUT", f"/guardians/{user}", json={"rights": ["alarms"]}).status_code == 200
    assert call("GET", "/door", "daughter").status_code == 403
    assert call("POST", "/sos", "daughter").status_code == 201
    assert call("DELETE", f"/guardians/{user}").status_code == 204
    assert call("GET", "/now", "daughter").status_code == 401
    assert call("DELETE", f"/guardians/{user}").status_code == 404
    assert call("PUT", f"/guardians/{user}", json={"rights": []}).status_code == 404
    assert verify(conn) == []


def test_guardians_are_the_residents_to_name(call) -> None:
    for role in ("guardian", "operator", "administrator"):
        assert call("GET", "/guardians", role).status_code == 403
        named = call("POST", "/guardians", role, json={"name": "x", "rights": []})
        assert named.status_code == 403
    assert (
        call("POST", "/guardians", json={"name": "x", "rights": ["everything"]}).status_code == 422
    )
    assert call("POST", "/guardians", json={"name": " ", "rights": []}).status_code == 400


def test_nobody_is_added_when_the_home_is_full(conn, call) -> None:
    for number in range(10):
        answer = call("POST", "/guardians", json={"name": f"G{number}", "rights": []})
        assert answer.status_code == 201
    before = conn.execute("SELECT count(*) AS n FROM users").fetchone()
    assert call("POST", "/guardians", json={"name": "G11", "rights": []}).status_code == 409
    assert conn.execute("SELECT count(*) AS n FROM users").fetchone() == before


def test_a_guardian_of_two_homes_keeps_one_account_until_the_last_home(conn, api, call) -> None:
    put_user(conn, "the-neighbour", Role.RESIDENT, ["other"])
    api.tokens["neighbour"] = issue_token(conn, "the-neighbour", NOW)
    named = {"name": "Lee Young-hee", "rights": ["alarms"]}
    made = call("POST", "/guardians", "resident", json=named).json()
    user = made["user_id"]
    api.tokens["lee"] = issue_token(conn, user, NOW)
    second = "/v1/households/other/guardians"
    again = call("POST", second, "neighbour", json=named | {"user_id": user})
    assert (again.status_code, again.json()["password"]) == (201, None)
    assert call("POST", second, "neighbour", json=named | {"user_id": user}).status_code == 409
    homes = call("GET", "/v1/me", "lee").json()["homes"]
    assert [home["household_id"] for home in homes] == ["other", "own"]
    assert call("DELETE", f"/guardians/{user}", "resident").status_code == 204
    assert call("GET", "/now", "lee").status_code == 404
    assert call("GET", "/v1/households/other/now", "lee").status_code == 200
    assert call("DELETE", f"{second}/{user}", "neighbour").status_code == 204
    assert call("GET", "/v1/me", "lee").status_code == 401
    assert verify(conn) == []


@pytest.mark.parametrize("user", ["the-operator", "the-resident", "nobody"])
def test_only_guardians_are_named_by_their_user(conn, call, user) -> None:
    given = {"name": "x", "rights": [], "user_id": user}
    assert call("POST", "/guardians", "resident", json=given).status_code == 404
    assert conn.execute("SELECT FROM guardians").fetchone() is None
