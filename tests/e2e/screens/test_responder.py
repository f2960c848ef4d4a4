"""The responder's page on a telephone: from the page to the finding, and what is refused."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import httpx
import numpy as np
import pytest

from alerts import responders
from alerts.links import page_token, responder_token
from core.database import Connection
from core.objects import Objects
from tests.e2e.screens.homes import add_home, add_responders, loiterer, raise_event
from tests.e2e.screens.serving import KEY, Server, settings_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.integration]

PHONE = {"width": 390, "height": 844}
GEOLOCATION = {"latitude": 37.48, "longitude": 126.95, "accuracy": 12.0}


def paged(conn: Connection, dsn: str, server: Server, folder: Path) -> tuple[str, str]:
    """Let somebody be paged; return the link and the responder."""
    settings = settings_of(dsn, server.port, folder)
    add_home(conn, "h1", "Kim Young-ja")
    add_responders(conn, datetime.now(UTC))
    seen = loiterer(Objects(settings.objects), datetime.now(UTC))
    raise_event(conn, settings, "h1", "sos.pressed", data=seen)
    row = conn.execute("SELECT page_id, responder_id FROM pages").fetchone()
    assert row is not None
    return f"{server.url}/page/{page_token(KEY, row['page_id'])}", row["responder_id"]


def photo(folder: Path) -> Path:
    """A JPEG with an EXIF block that says where it was taken."""
    picture = np.full((1200, 3000, 3), 90, np.uint8)
    cv2.putText(picture, "door", (200, 700), cv2.FONT_HERSHEY_SIMPLEX, 12, (255, 255, 255), 30)
    done, encoded = cv2.imencode(".jpg", picture)
    assert done
    body = encoded.tobytes()
    exif = b"Exif\0\0GPS 37.4784 126.9516"
    file = folder / "photo.jpg"
    marked = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    file.write_bytes(body[:2] + marked + body[2:])
    return file


@pytest.mark.parametrize(("language", "scheme"), [("en", "dark"), ("ko", "light")])
def test_from_the_page_to_the_finding(
    page: Page,
    server: Server,
    conn: Connection,
    dsn: str,
    tmp_path: Path,
    language: str,
    scheme: str,
) -> None:
    link, responder_id = paged(conn, dsn, server, tmp_path)
    context = page.context.browser.new_context(
        viewport=PHONE,
        color_scheme=scheme,
        geolocation=GEOLOCATION,
        permissions=["geolocation"],
    )
    telephone = context.new_page()

    def shot(name: str) -> None:
        telephone.screenshot(path=tmp_path / f"{language}-{scheme}-{name}.png", full_page=True)

    telephone.goto(link)
    telephone.get_by_role("link", name="한국어" if language == "ko" else "English").click()
    telephone.wait_for_function("document.querySelector('.picture img')?.naturalWidth === 960")
    assert telephone.locator("html").get_attribute("lang") == language
    way = telephone.locator("a.button").first.get_attribute("href")
    assert way is not None
    assert way.endswith("37.4784,126.9516")
    shot("1-asked")
    telephone.locator("form[action*='/accept'] button").click()
    telephone.locator("form[action$=departed] button").wait_for()
    telephone.locator(".sharing button").click()
    telephone.locator(".sharing.on").wait_for()
    for _ in range(100):
        row = conn.execute("SELECT lat, accuracy_m FROM responder_positions").fetchone()
        if row is not None:
            break
        telephone.wait_for_timeout(100)
    assert row is not None
    assert (row["lat"], row["accuracy_m"]) == (37.48, 12.0)
    shot("2-accepted")
    telephone.locator("form[action$=departed] button").click()
    telephone.locator(".sharing.on").wait_for()  # goes on after the page came anew
    telephone.locator("form[action$=arrived] button").click()
    telephone.locator("form.finding").wait_for()
    shot("3-arrived")
    telephone.locator("input[value=helped]").check()
    telephone.locator("textarea").fill("Fell in the bathroom.")
    telephone.locator("input[type=file]").set_input_files(photo(tmp_path))
    telephone.locator("form.finding button").click()
    telephone.wait_for_url(link)
    telephone.locator("form.finding").wait_for(state="detached")
    shot("4-done")
    assert "Sillim-ro" not in telephone.content()
    assert conn.execute("SELECT 1 FROM responder_positions").fetchone() is None
    kept = conn.execute(
        "SELECT f.finding, f.note, p.object_key, p.sha256 FROM page_findings f"
        " JOIN page_photos p USING (page_id)"
    ).fetchone()
    assert kept is not None
    assert (kept["finding"], kept["note"]) == ("helped", "Fell in the bathroom.")
    body = Objects(settings_of(dsn, server.port, tmp_path).objects).get(kept["object_key"])
    assert b"GPS" not in body
    assert cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR).shape == (819, 2048, 3)
    lines = conn.execute("SELECT move, actor FROM incident_log ORDER BY n").fetchall()
    assert (lines[-1]["move"], lines[-1]["actor"]) == ("finding", f"responder:{responder_id}")
    context.close()


def test_without_javascript(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    link, _ = paged(conn, dsn, server, tmp_path)
    context = page.context.browser.new_context(viewport=PHONE, java_script_enabled=False)
    telephone = context.new_page()
    telephone.goto(link)
    telephone.keyboard.press("Tab")
    telephone.keyboard.press("Tab")
    telephone.keyboard.press("Tab")
    assert telephone.locator(":focus").inner_text().startswith("ACCEPT")
    telephone.keyboard.press("Enter")
    telephone.get_by_text("You accepted. Please go now.").wait_for()
    telephone.locator("form[action$=arrived] button").click()
    telephone.locator("form.finding").wait_for()
    assert telephone.locator(".sharing").is_hidden() or telephone.locator(".sharing").count() == 0
    telephone.locator("input[value=nobody]").check()
    telephone.locator("form.finding button").click()
    telephone.get_by_text("Thank you. The operator has your report").wait_for()
    context.close()


def test_a_page_that_somebody_else_took_says_so_by_itself(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    link, _ = paged(conn, dsn, server, tmp_path)
    page.goto(link)
    page.get_by_role("button", name="ACCEPT").wait_for()
    conn.execute("UPDATE pages SET state = 'stood_down'")
    page.get_by_text("you are not needed").wait_for(timeout=8_000)


def test_links_that_are_refused_say_why_and_are_logged(
    page: Page, server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    link, responder_id = paged(conn, dsn, server, tmp_path)
    other = next(
        row["responder_id"]
        for row in conn.execute("SELECT responder_id FROM responders ORDER BY 1").fetchall()
        if row["responder_id"] not in {responder_id, "synthetic"}
    )
    own = f"{server.url}/responder/{responder_token(KEY, other, 1)}"
    page.goto(own)
    page.get_by_text("Nobody needs you at this moment.").wait_for()
    page.goto(link)
    page.get_by_text("This page was sent to somebody else").wait_for()
    token = link.rpartition("/")[2]
    cookie = {"doorguard_responder": own.rpartition("/")[2]}
    answer = httpx.post(f"{server.url}/v1/pages/{token}/accept", cookies=cookie)
    assert answer.status_code == 403
    responders.renew_link(conn, other)
    assert httpx.get(own).status_code == 404

    forged = link[:-1] + ("A" if link[-1] != "A" else "B")
    assert httpx.get(forged).status_code == 404
    conn.execute(
        "UPDATE incidents SET closed_at = %s, state = 'closed'",
        (datetime.now(UTC) - timedelta(hours=25),),
    )
    answer = httpx.get(link)
    assert (answer.status_code, "expired" in answer.text) == (403, True)
    answer = httpx.post(f"{server.url}/v1/pages/{token}/accept")
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("this link has expired")
    rows = conn.execute(
        "SELECT detail->>'why' AS why FROM access_log WHERE action = 'page.refused' ORDER BY n"
    ).fetchall()
    whys = [row["why"] for row in rows]
    assert whys[:2] == [f"this page was sent to {responder_id}, and not to {other}"] * 2
    assert "damaged" in whys[2]
    assert all("expired" in why for why in whys[3:])
    assert len(whys) == 5
    assert conn.execute("SELECT state FROM pages").fetchone() == {"state": "planned"}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": {"finding": "gold"}}, 400),
        ({"data": {"finding": "helped"}, "files": {"photo": ("x.jpg", b"GIF89a")}}, 400),
        ({"data": {"finding": "helped"}, "files": {"photo": ("x.jpg", b"\xff\xd8\xff\xd9")}}, 400),
        ({"data": {"finding": "helped", "note": "x" * 2001}}, 400),
        ({"data": {"finding": "other"}}, 200),
    ],
)
def test_what_a_finding_must_be(
    server: Server,
    conn: Connection,
    dsn: str,
    tmp_path: Path,
    sent: dict[str, object],
    status: int,
) -> None:
    link, _ = paged(conn, dsn, server, tmp_path)
    api = f"{server.url}/v1/pages/{link.rpartition('/')[2]}"
    assert httpx.post(f"{api}/done", data={"finding": "helped"}).status_code == 409
    assert (
        httpx.post(f"{api}/position", json={"lat": 1, "lon": 2, "accuracy_m": 3}).status_code == 409
    )
    assert httpx.post(f"{api}/accept").status_code == 200
    assert httpx.post(f"{api}/done", **sent).status_code == status
    again = httpx.post(f"{api}/done", data={"finding": "other"})
    assert again.json()["state"] == "done"
    assert conn.execute("SELECT count(*) AS n FROM page_findings").fetchone() == {"n": 1}


def test_a_form_that_is_too_large_is_not_even_read(
    server: Server, conn: Connection, dsn: str, tmp_path: Path
) -> None:
    link, _ = paged(conn, dsn, server, tmp_path)
    path = f"/v1/pages/{link.rpartition('/')[2]}/done"
    for headers, status in (
        ({"Content-Length": str(200 * 1024 * 1024)}, 413),
        ({"Transfer-Encoding": "chunked"}, 411),
    ):
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as wire:
            wire.putrequest("POST", path)
            for name, value in headers.items():
                wire.putheader(name, value)
            wire.endheaders()
            assert wire.getresponse().status == status
