"""A night at the board in a real browser: alarms, floods, two desks, keys, sound, languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alerts import pages, positions
from alerts.emergency_script import script
from app.accounts.users import add_user
from app.console.words import Words
from core.catalogue import Source
from core.database import Connection
from tests.e2e.screens.homes import add_home, add_responders, raise_event, sign_in
from tests.e2e.screens.serving import Server, settings_of
from tests.e2e.screens.test_accessibility import findings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.integration]

# what the page played: hertz of each tone, in the order of their beginning
LISTEN = """() => {
  window.played = [];
  const real = AudioContext.prototype.createOscillator;
  AudioContext.prototype.createOscillator = function () {
    const made = real.call(this), start = made.start.bind(made);
    made.start = (at) => { window.played.push(made.frequency.value); start(at); };
    return made;
  };
}"""


def open_card(page: Page, text: str) -> None:
    page.locator("button.card").filter(has_text=text).click()
    page.get_by_role("heading", name=text).wait_for()


def test_an_sos_while_another_incident_is_open(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_home(conn, "h2", "Hanbit 302")
    sign_in(page, server, conn)
    raise_event(conn, settings, "h2", "loiter.started", ago_s=300, source=Source.DETECTOR)
    open_card(page, "Loitering at the door")
    page.evaluate(LISTEN)
    raise_event(conn, settings, "h1", "sos.pressed")
    page.wait_for_function(
        "document.querySelector('.card .kind')?.textContent === 'SOS pressed'", timeout=1_000
    )
    page.wait_for_function("window.played.includes(880)", timeout=1_000)
    # what is being worked on stays where it is
    assert page.get_by_role("heading", name="Loitering at the door").is_visible()


def test_everything_by_keyboard(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_responders(conn, datetime.now(UTC))
    sign_in(page, server, conn)
    number = raise_event(conn, settings, "h1", "sos.pressed")
    page.locator("button.card").wait_for()
    page.keyboard.press("1")
    page.get_by_role("heading", name="SOS pressed").wait_for()
    page.keyboard.press("a")
    page.get_by_text("Acknowledged by night-desk").wait_for()
    page.keyboard.press("d")
    page.locator(".pages").get_by_text("Guard Lee Ji-hoon").wait_for()
    page.keyboard.press("n")
    page.get_by_label("Note for the record").fill("She answers; dizzy, on the floor.")
    page.get_by_role("button", name="Save note").press("Enter")
    page.locator(".timeline").get_by_text("dizzy, on the floor").wait_for()
    page.get_by_role("checkbox", name="Awake? Breathing?").press("Space")
    page.locator(".timeline").get_by_text("Awake? Breathing? Bleeding? Fallen?: done").wait_for()
    page.keyboard.press("c")
    page.get_by_text("Genuine").click()
    page.get_by_role("button", name="Close incident").press("Enter")
    page.get_by_text("Nothing needs you").wait_for()
    row = conn.execute("SELECT state, closed_by FROM incidents WHERE incident_id = %s", (number,))
    assert row.fetchone() == {"state": "closed", "closed_by": "night-desk"}


def tab_to(page: Page, target: Locator) -> None:
    """Move the focus forward, as somebody without a mouse does."""
    for _ in range(40):
        if target.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("not to be reached by Tab")


@pytest.mark.parametrize(("theme", "language"), [("dark", "en"), ("light", "ko")])
def test_a_call_to_the_ambulance_by_keyboard(
    page: Page,
    server: Server,
    conn: Connection,
    dsn: str,
    tmp_path: Path,
    theme: str,
    language: str,
) -> None:
    settings, t = settings_of(dsn, server.port, tmp_path), Words(language)
    add_home(conn, "h1", "Kim Young-ja")
    add_responders(conn, datetime.now(UTC))
    sign_in(page, server, conn)
    page.evaluate(
        "([theme, language]) => { dg.choose('doorguard_theme', theme);"
        " dg.choose('doorguard_language', language); }",
        [theme, language],
    )
    page.wait_for_function(f"document.documentElement.lang === '{language}'")
    number = raise_event(conn, settings, "h1", "sos.pressed")
    page.locator("button.card").wait_for()
    page.keyboard.press("1")
    page.locator(".facts-head").wait_for()
    page.keyboard.press("h")
    dialog = page.get_by_role("dialog", name=t("act.hand_off.title"))
    dialog.get_by_text("Key safe left of the door.").wait_for()
    tab_to(page, dialog.get_by_role("button", name=t("call.fire")))
    page.keyboard.press("Enter")
    boxes = dialog.get_by_role("checkbox")
    page.wait_for_function("document.activeElement.closest('.hand-off .q-checkbox') !== null")
    taken = dialog.get_by_role("button", name=t("call.outcome.taken"))
    tab_to(page, taken)
    page.keyboard.press("Enter")  # nothing was said yet
    page.get_by_text(t("call.where")).last.wait_for()
    steps = script("fire", "sos")
    assert boxes.count() == len(steps)
    for n, step in enumerate(steps):
        if step.needed:
            tab_to(page, boxes.nth(n))
            page.keyboard.press("Space")
            page.locator(".timeline").get_by_text(f"{t('call.' + step.name)}: ").wait_for()
    tab_to(page, dialog.get_by_label(t("hand_off.spoken_to")))
    page.keyboard.type("Lee, desk 4")
    tab_to(page, dialog.get_by_label(t("hand_off.reference")))
    page.keyboard.type("119-2026-77")
    assert dialog.locator(".closing").evaluate("one => one.scrollHeight <= one.clientHeight")
    page.screenshot(path=tmp_path / f"hand-off-{language}-{theme}.png")
    assert findings(page) == []
    tab_to(page, taken)
    page.keyboard.press("Enter")
    dialog.wait_for(state="hidden")
    page.locator(".timeline").get_by_text("Lee, desk 4 · 119-2026-77").wait_for()
    page.screenshot(path=tmp_path / f"handed-off-{language}-{theme}.png")
    lines = conn.execute(
        "SELECT actor, detail FROM incident_log"
        " WHERE incident_id = %s AND move = 'hand_over' ORDER BY n",
        (number,),
    ).fetchall()
    assert {line["actor"] for line in lines} == {"night-desk"}
    logged = [line["detail"].get("step") or line["detail"]["outcome"] for line in lines]
    assert logged == ["begun", *(step.name for step in steps if step.needed), "taken"]
    row = conn.execute("SELECT service, outcome, spoken_to, reference FROM handoffs").fetchone()
    assert row is not None
    assert tuple(row.values()) == ("fire", "taken", "Lee, desk 4", "119-2026-77")


def test_a_responder_is_followed_to_the_end(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_responders(conn, datetime.now(UTC))
    sign_in(page, server, conn)
    raise_event(conn, settings, "h1", "sos.pressed")
    open_card(page, "SOS pressed")
    page.keyboard.press("a")
    page.get_by_text("Acknowledged by night-desk").wait_for()
    row = conn.execute("SELECT page_id FROM pages ORDER BY page_id").fetchone()
    assert row is not None
    given = {"now": datetime.now(UTC)}
    with conn.transaction():
        pages.answer(conn, row["page_id"], accept=True, settings=settings, **given)
    page.locator(".facts-head").get_by_text("Accepted").wait_for(timeout=1_500)
    page.locator(".page.accepted").wait_for()
    with conn.transaction():
        pages.depart(conn, row["page_id"], **given)
    page.locator(".facts-head").get_by_text("Help on the way").wait_for(timeout=1_500)
    with conn.transaction():
        pages.arrive(conn, row["page_id"], **given)
    page.locator(".facts-head").get_by_text("Help has arrived").wait_for(timeout=1_500)
    page.locator(".page.arrived").wait_for()
    page.screenshot(path=tmp_path / "arrived.png")
    page.keyboard.press("c")
    page.get_by_text("Genuine").click()
    page.get_by_role("button", name="Close incident").click()
    page.get_by_text("Nothing needs you").wait_for()


def put_door_opened(conn: Connection, household_id: str, at: datetime) -> None:
    conn.execute(
        "INSERT INTO events (household_id, at, device_id, seq, source, type, received_at, data)"
        " VALUES (%s, %s, 'door-1', 1, 'device', 'door.opened', %s, '{}')",
        (household_id, at, at),
    )


def test_an_open_incident_follows_who_comes(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    """Dot, expected arrival and the door's day change on the page; the map is never built again."""
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_responders(conn, datetime.now(UTC))
    sign_in(page, server, conn)
    raise_event(conn, settings, "h1", "sos.pressed")
    open_card(page, "SOS pressed")
    page.locator(".map .leaflet-tooltip").filter(has_text="Crew 7").wait_for()
    row = conn.execute("SELECT page_id FROM pages ORDER BY page_id").fetchone()
    assert row is not None
    page_id = row["page_id"]
    with conn.transaction():
        pages.answer(conn, page_id, accept=True, settings=settings, now=datetime.now(UTC))
        positions.share(conn, page_id, now=datetime.now(UTC))
    eta = page.locator(".page.accepted b").filter(has_text=re.compile(r"\d\d:\d\d:\d\d"))
    eta.wait_for(timeout=1_500)
    page.evaluate(
        "() => { window.kept = document.querySelector('.map');"
        " window.paths = kept.querySelectorAll('path').length; }"
    )
    moved = (
        "(was) => { const dot = [...document.querySelectorAll('.map .leaflet-tooltip')]"
        ".find(one => one.textContent.includes('Crew 7'));"
        " return dot && dot.style.transform !== was && dot.style.transform; }"
    )
    place = page.evaluate(moved, "")
    looks = conn.execute("SELECT count(*) AS n FROM access_log").fetchone()
    for metres in (9_000, 2_000, 300):
        said = eta.inner_text()
        with conn.transaction():
            positions.note(
                conn,
                page_id,
                lat=37.4784 + metres / 111_195,
                lon=126.9516,
                accuracy_m=10.0,
                now=datetime.now(UTC),
            )
        place = page.wait_for_function(moved, arg=place, timeout=6_000).json_value()
        page.wait_for_function(
            "(was) => document.querySelector('.page.accepted .when b').innerText !== was", arg=said
        )
    day = page.locator(".door-day li")
    before = day.count()
    put_door_opened(conn, "h1", datetime.now(UTC))
    page.wait_for_function(
        "(n) => document.querySelectorAll('.door-day li').length === n",
        arg=before + 1,
        timeout=6_000,
    )
    page.screenshot(path=tmp_path / "followed.png")
    assert page.evaluate(
        "kept.isConnected && kept === document.querySelector('.map')"
        " && kept.querySelectorAll('path').length === paths"
    )
    assert conn.execute("SELECT count(*) AS n FROM access_log").fetchone() == looks


def test_two_operators_always_agree(
    page: Page, browser: Browser, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_responders(conn, datetime.now(UTC))
    sign_in(page, server, conn)
    password = add_user(conn, "second-desk", "supervisor")
    other = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    other.goto(server.url)
    other.get_by_label("User").fill("second-desk")
    other.get_by_label("Password").fill(password)
    other.keyboard.press("Enter")
    other.get_by_text("Nothing needs you").wait_for()
    raise_event(conn, settings, "h1", "sos.pressed")
    for window in (page, other):
        window.locator("button.card").click()
        window.get_by_role("heading", name="SOS pressed").wait_for()
    page.keyboard.press("a")
    for window in (page, other):
        window.locator("button.card").get_by_text("in hand: night-desk").wait_for(timeout=1_500)
    other.keyboard.press("o")  # the second takes over; the first sees it
    for window in (page, other):
        window.locator("button.card").get_by_text("in hand: second-desk").wait_for(timeout=1_500)
    page.get_by_role("button", name="Take over").wait_for()
    other.get_by_role("checkbox", name="Call a guardian").click()
    page.locator(".q-checkbox[aria-checked=true]").get_by_text("Call a guardian").wait_for()
    other.keyboard.press("b")
    other.get_by_label("What should they know?").fill("Key safe of h1 is empty.")
    other.get_by_role("button", name="Leave note").click()
    page.get_by_text("Key safe of h1 is empty.").wait_for(timeout=2_000)
    other.context.close()


def test_two_hundred_technical_faults_and_one_sos(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    sign_in(page, server, conn)
    for number in range(200):
        add_home(conn, f"f{number:03}", f"Flat {number:03}")
        raise_event(conn, settings, f"f{number:03}", "fault.raised")
    add_home(conn, "h1", "Kim Young-ja")
    cards = page.locator("button.card")
    fold = page.locator("button.fold")
    fold.locator(".kind").filter(has_text="200").wait_for(timeout=15_000)
    assert cards.count() == 1
    page.evaluate(LISTEN)
    raise_event(conn, settings, "h1", "sos.pressed")
    page.wait_for_function(
        "document.querySelector('.card .kind')?.textContent === 'SOS pressed'", timeout=2_000
    )
    page.wait_for_function("window.played.includes(880)", timeout=1_000)
    assert cards.count() == 2
    page.screenshot(path=tmp_path / "flood.png")
    fold.click()
    page.wait_for_function("document.querySelectorAll('button.card').length === 202")
    fold.click()
    page.wait_for_function("document.querySelectorAll('button.card').length === 2")


def test_silenced_for_one_incident_only(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_home(conn, "h2", "Hanbit 302")
    sign_in(page, server, conn)
    raise_event(conn, settings, "h1", "sos.pressed")
    open_card(page, "SOS pressed")
    page.evaluate(LISTEN)
    page.clock.install()
    page.keyboard.press("x")
    page.clock.run_for(20_000)
    assert page.evaluate("window.played") == []
    raise_event(conn, settings, "h2", "sos.pressed")
    page.wait_for_function("window.played.includes(880)", timeout=3_000)


def test_parked_until_it_comes_back(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_home(conn, "h2", "Hanbit 302")
    sign_in(page, server, conn)
    raise_event(conn, settings, "h2", "loiter.started", ago_s=60, source=Source.DETECTOR)
    number = raise_event(conn, settings, "h1", "fault.raised")
    # alike in priority whatever the hour: at night the loiterer's is higher
    conn.execute("UPDATE incidents SET priority = 3")
    conn.execute(
        "UPDATE incidents SET opened_at = opened_at - interval '1 hour' WHERE incident_id = %s",
        (number,),
    )
    first = page.locator("button.card").first
    first.get_by_text("Technical fault").wait_for()
    open_card(page, "Technical fault")
    page.keyboard.press("k")
    page.get_by_label("Why?").fill("The technician is there at nine.")
    page.get_by_role("button", name="Park it").click()
    page.locator("button.card.parked").get_by_text("Parked until").wait_for()
    assert "Loitering" in page.locator("button.card").first.inner_text()
    conn.execute("UPDATE parked_incidents SET until = now()")
    page.locator("button.card").first.get_by_text("Technical fault").wait_for(timeout=3_000)
    assert page.locator("button.card.parked").count() == 0


def test_in_korean_and_in_the_light(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "김영자 댁")
    add_responders(conn, datetime.now(UTC))
    sign_in(page, server, conn)
    page.get_by_text("Menu").click()
    page.get_by_role("button", name="한국어").click()
    page.get_by_text("처리할 일이 없습니다").wait_for()
    page.get_by_text("메뉴").click()
    page.get_by_role("button", name="밝게").click()
    page.wait_for_function("document.documentElement.dataset.theme === 'light'")
    assert page.evaluate("document.documentElement.lang") == "ko"
    raise_event(conn, settings, "h1", "sos.pressed")
    open_card(page, "SOS 호출")
    page.keyboard.press("a")
    page.get_by_text("담당: night-desk").wait_for()
    page.screenshot(path=tmp_path / "korean.png")
    english = page.evaluate(
        "[...document.querySelectorAll('.board *')]"
        ".filter(one => one.children.length === 0 && one.offsetParent)"
        ".map(one => one.textContent)"
        ".filter(text => /\\b(Acknowledge|Script|Timeline|Home|Send|Nobody|Silence)\\b/.test(text))"
    )
    assert english == []


def test_the_map_is_drawn_without_a_tile_server(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    settings = settings_of(dsn, server.port, tmp_path)
    add_home(conn, "h1", "Kim Young-ja")
    add_responders(conn, datetime.now(UTC))
    sign_in(page, server, conn)
    raise_event(conn, settings, "h1", "sos.pressed")
    page.locator("button.card").click()
    page.locator(".map .leaflet-tooltip").filter(has_text="Kim Young-ja").wait_for()
    page.locator(".map .leaflet-tooltip").filter(has_text="Crew 7").wait_for()
    page.locator(".map .leaflet-tooltip").filter(has_text="Gwanak-gu").wait_for()
    assert page.locator(".map path").count() > 30
