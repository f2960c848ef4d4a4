"""What people do while the database is away: somebody calls from the app, a responder accepts."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import httpx

from app.accounts.tokens import issue_token
from app.accounts.users import add_user
from app.bench.alarm_stage import Stage
from core import sql
from core.clock import SystemClock
from simulators.pager import ReceivedPage

_USER = "bench-resident"
_WITHIN_S = 10.0
_QUERIES = sql.load("app.bench")


class People:
    """A resident of the stage's last home, and whoever carries its first pager."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._home = stage.homes[-1]
        settings = stage.services.settings
        self._url = f"http://{settings.http_host}:{settings.http_port}"
        with stage.services.database.transaction() as conn:
            add_user(conn, _USER, "resident", [self._home])
            self._token = issue_token(conn, _USER, SystemClock().now())
        self._incident: int | None = None
        self.told: dict[str, Any] = {}

    def call(self) -> None:
        """Call for help from the app, twice with one key; a stranger's token is refused."""
        began_s = time.monotonic()
        answers = [self._post(self._token), self._post(self._token)]
        answered_ms = (time.monotonic() - began_s) * 1000 / 2
        bodies = [answer.json() for answer in answers if answer.is_success]
        page = self._stage.pager.wait_page(partial(_of, home=self._home), _WITHIN_S)
        self._incident = bodies[0]["incident_id"] if bodies else None
        self.told |= {
            "call_status": [answer.status_code for answer in answers],
            "call_mode": [body.get("mode") for body in bodies],
            "call_once": len({body["incident_id"] for body in bodies}) == 1,
            "call_answered_ms": round(answered_ms),
            "call_paged_ms": page and round((page.received_at - began_s) * 1000),
            "stranger_status": self._post("x" * 43).status_code,
        }

    def accept(self) -> None:
        """Accept by the links of two pages, look at them, and accept once more.

        One is of the call, which the app carries, one of a button, which the alarms process does.
        """
        statuses: list[list[int]] = []
        for home in (self._home, self._stage.homes[0]):
            page = self._stage.pager.wait_page(partial(_of, home=home), _WITHIN_S)
            if page is None:
                continue
            url = str(page.body["accept_url"])
            answers = [httpx.post(url, timeout=_WITHIN_S, trust_env=False) for _ in range(2)]
            seen = httpx.get(str(page.body["page_url"]), timeout=_WITHIN_S, trust_env=False)
            statuses.append([answer.status_code for answer in (*answers, seen)])
        self.told["accept_status"] = statuses

    def after(self) -> dict[str, Any]:
        """Return what came of it, as the database says afterwards; `people_ok` sums it up."""
        with self._stage.services.database.transaction() as conn:
            homes = (self._home, self._stage.homes[0])
            rows = [
                conn.execute(_QUERIES["called"], {"household_id": home}).fetchone()
                for home in homes
            ]
        told = self.told | {"accepted": rows}
        asked = {page.key for page in self._stage.pager.pages if _of(page, self._home)}
        ok = (
            told["call_status"] == [201, 200]
            and told["call_mode"] == ["lifeline", "lifeline"]
            and told["call_once"]
            and told["stranger_status"] == httpx.codes.UNAUTHORIZED
            and told["accept_status"] == [[200, 200, 200], [200, 200, 200]]
            and len(asked) == 1
            # a look that hung in the database when it came back stands there a second time
            and all(row and row["state"] == "accepted" and row["looks"] >= 1 for row in rows)
            and rows[0] is not None
            and rows[0]["incident_id"] == self._incident
        )
        return {"people_ok": ok, "people": told}

    def _post(self, token: str) -> httpx.Response:
        return httpx.post(
            f"{self._url}/v1/households/{self._home}/sos",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "the-same-press"},
            timeout=_WITHIN_S,
            trust_env=False,
        )


def _of(page: ReceivedPage, home: str) -> bool:
    return page.message == "page" and page.body["household"]["name"] == home
