"""`bench board`: a board left open while incidents come and go; nothing missed, memory flat.

After each change the page is compared with the database: every open incident, its state, and in
whose hands it is. A change that is not on the screen within `_SHOWN_WITHIN_S` was missed.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts import incidents
from app.accounts.users import add_user
from app.bench import procfs
from app.chromium import chromium
from app.embedded.installation import Installation
from app.embedded.services import Plan, Services
from app.site import Site
from core import liveness, sql
from core.catalogue import Source
from core.clock import SystemClock
from core.database import Connection
from core.errors import TemporaryError
from core.model import Event
from households.homes import Home, add_household

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

HOMES, OPEN_AT_ONCE = 40, 6
FLAT_WITHIN = 0.20
_USER = "bench-operator"
_SHOWN_WITHIN_S = 5.0
_SAMPLE_EVERY_S = 20.0
_SIGNED_IN_WITHIN_MS = 30_000
_KINDS = ("sos.pressed", "fault.raised", "door.forced", "tamper.opened")
_QUERIES = sql.load("app.bench")
_SHOWN = """() => Object.fromEntries([...document.querySelectorAll('.card[data-incident]')].map(
  (card) => [card.dataset.incident, [card.querySelector('.state').textContent,
  card.querySelector('.hand')?.textContent ?? '']]))"""


@dataclass(slots=True)
class Seen:
    """What the soak saw. Memory in MiB: the page's heap after a collection, the server's RSS."""

    changes: int = 0
    missed: list[str] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)
    page_mib: list[float] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    server_mib: list[float] = field(default_factory=list)


def bench(site: Site, *, minutes: float, rate: float) -> dict[str, Any]:
    """Keep a board open for `minutes`, with `rate` new incidents a minute."""
    procfs.check()
    clock, seen = SystemClock(), Seen()
    folder = Path(tempfile.mkdtemp(prefix="doorguard-bench-"))
    folder.chmod(0o711)
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        services = ending.enter_context(
            Services(
                Installation(folder),
                Plan(database=site.database, durable=False),
                clock=clock,
                on_line=lambda _name, _line: None,
                progress=lambda _text: None,
                reachable=folder,
            )
        )
        services.start(("app",))
        with services.database.transaction() as conn:
            password = add_user(conn, _USER, "operator")
            for number in range(HOMES):
                add_household(conn, Home(f"bench-{number:02}", f"Bench {number:02}", 37.5, 127.0))
        browser = ending.enter_context(chromium())
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        _sign_in(page, services.settings.public_url, password)
        debugger = page.context.new_cdp_session(page)
        _soak(services, page, debugger, seen, ends_s=time.monotonic() + minutes * 60, rate=rate)
    return _told(seen, minutes, rate)


def _sign_in(page: Page, url: str, password: str) -> None:
    page.goto(f"{url.rstrip('/')}/login")
    page.locator("input[name=user]").fill(_USER)
    page.locator("input[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.locator("#queue").wait_for(state="attached", timeout=_SIGNED_IN_WITHIN_MS)


def _soak(
    services: Services, page: Page, debugger: CDPSession, seen: Seen, *, ends_s: float, rate: float
) -> None:
    changes = _changes(services)
    next_s = sample_s = time.monotonic()
    per_incident = 4  # opened, taken in hand, noted, closed
    while time.monotonic() < ends_s:
        name, change = next(changes)
        change()
        _compare(services, page, seen, name)
        if time.monotonic() >= sample_s:
            sample_s += _SAMPLE_EVERY_S
            _sample(services, page, debugger, seen)
        next_s += 60.0 / rate / per_incident
        page.wait_for_timeout(max(0.0, next_s - time.monotonic()) * 1000)


def _changes(services: Services) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what happens, one thing after another, without end."""
    held: list[int] = []
    for number in range(10**9):
        found: list[int] = []
        yield "open", lambda number=number, found=found: found.append(_open(services, number))  # type: ignore[misc]
        (incident_id,) = found
        held.append(incident_id)
        yield "acknowledge", lambda one=incident_id: _act(services, incidents.acknowledge, one)  # type: ignore[misc]
        yield (
            "note",
            lambda one=incident_id: _act(services, incidents.add_note, one, note="a note"),  # type: ignore[misc]
        )
        if len(held) > OPEN_AT_ONCE:
            oldest = held.pop(0)
            yield (
                "close",
                lambda one=oldest: _act(services, incidents.close, one, outcome="closed"),  # type: ignore[misc]
            )


def _open(services: Services, number: int) -> int:
    now = SystemClock().now()
    home = f"bench-{number % HOMES:02}"
    event = Event(
        household_id=home,
        at=now,
        device_id=f"button-{home}",
        seq=number + 1,
        source=Source.DEVICE,
        type=_KINDS[number % len(_KINDS)],
        received_at=now,
    )
    with services.database.transaction() as conn:
        found = incidents.on_event(conn, event, now=now, settings=services.settings)
    if found is None:
        raise TemporaryError("an alarm of the soak opened no incident")
    return found


def _act(services: Services, action: Callable[..., None], incident_id: int, **given: Any) -> None:
    with services.database.transaction() as conn:
        action(conn, incident_id, actor=_USER, now=SystemClock().now(), **given)


def _compare(services: Services, page: Page, seen: Seen, name: str) -> None:
    """Wait until the page shows what stands, and count what it did not come to show."""
    with services.database.transaction() as conn:
        stands = _stands(conn)
    seen.changes += 1
    began_s = time.monotonic()
    while time.monotonic() - began_s < _SHOWN_WITHIN_S:
        if _same(page.evaluate(_SHOWN), stands):
            seen.lags_s.append(time.monotonic() - began_s)
            return
        page.wait_for_timeout(20)
    seen.missed.append(f"{name}: {stands} against {page.evaluate(_SHOWN)}")


def _stands(conn: Connection) -> dict[str, str]:
    """Return the open incidents and in whose hands each is."""
    return {
        str(row["incident_id"]): row["acknowledged_by"] or ""
        for row in conn.execute(_QUERIES["standing_incidents"])
    }


def _same(shown: dict[str, list[str]], stands: dict[str, str]) -> bool:
    return shown.keys() == stands.keys() and all(
        (who in shown[number][1]) if who else not shown[number][1] for number, who in stands.items()
    )


def _sample(services: Services, page: Page, debugger: CDPSession, seen: Seen) -> None:
    """Open an incident's detail as an operator would, and take the memory of page and server."""
    card = page.locator(".card[data-incident]").first
    if card.count():
        card.click()
    debugger.send("HeapProfiler.collectGarbage")
    debugger.send("Performance.enable")
    metrics = {
        one["name"]: one["value"] for one in debugger.send("Performance.getMetrics")["metrics"]
    }
    seen.page_mib.append(metrics["JSHeapUsedSize"] / 2**20)
    seen.nodes.append(int(metrics["Nodes"]))
    seen.server_mib.append(procfs.memory_mib(_server_pid(services)))


def _server_pid(services: Services) -> int:
    with services.database.transaction() as conn:
        return next(int(row["pid"]) for row in liveness.beats(conn) if row["process"] == "app")


def growth(values: list[float]) -> float | None:
    """Return how the median of the last third compares with that of the second sixth.

    The first sixth warms up and does not count; None below twelve values.
    """
    sixth = len(values) // 6
    if sixth < 2:
        return None
    before, after = values[sixth : 2 * sixth], values[-2 * sixth :]
    return statistics.median(after) / statistics.median(before) - 1


def _told(seen: Seen, minutes: float, rate: float) -> dict[str, Any]:
    page, server = growth(seen.page_mib), growth(seen.server_mib)
    flat = all(one is None or one <= FLAT_WITHIN for one in (page, server))
    lags = sorted(seen.lags_s)
    return {
        "ok": not seen.missed and flat,
        "machine": procfs.machine(),
        "minutes": minutes,
        "incidents_a_minute": rate,
        "changes": seen.changes,
        "missed": len(seen.missed),
        "first_missed": seen.missed[:3],
        "shown_p50_ms": round(lags[len(lags) // 2] * 1000) if lags else None,
        "shown_max_ms": round(lags[-1] * 1000) if lags else None,
        "page_mib": [round(one, 1) for one in seen.page_mib],
        "page_growth": None if page is None else round(page, 3),
        "page_nodes": seen.nodes,
        "server_mib": [round(one, 1) for one in seen.server_mib],
        "server_growth": None if server is None else round(server, 3),
    }


def as_text(found: dict[str, Any]) -> str:
    """Return the result in lines for people."""

    def change(value: float | None) -> str:
        return "too short to tell" if value is None else f"{value:+.1%}"

    page, server = found["page_mib"], found["server_mib"]
    return "\n".join(
        [
            f"{found['minutes']:g} min, {found['incidents_a_minute']:g} incidents a minute",
            (
                f"changes   {found['changes']}, missed {found['missed']}, on the screen after "
                f"{found['shown_p50_ms']} ms (p50), {found['shown_max_ms']} ms (longest)"
            ),
            f"page      {page[0]} to {page[-1]} MiB, {change(found['page_growth'])}",
            f"server    {server[0]} to {server[-1]} MiB, {change(found['server_growth'])}",
            *found["first_missed"],
        ]
    )
