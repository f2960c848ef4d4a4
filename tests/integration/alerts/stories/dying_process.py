"""A process of the alarms that is killed in the middle of its work, as by `kill -9`.

    python -m …dying_process DOING DSN NOW URL

It works on the story's database with the product's own parts; DOING says where the end comes.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime

from alerts import incidents
from alerts.escalation import fire_due
from alerts.paging.delivery import claim
from alerts.paging.dispatcher import Dispatcher
from alerts.paging.webhook import WebhookChannel
from core.catalogue import CATALOGUE
from core.database import Connection, Database
from core.model import Event, Page
from tests.conftest import ManualClock
from tests.integration.alerts.story import SETTINGS


def end() -> None:
    """Die at once; nothing is flushed, closed or rolled back by us."""
    os.kill(os.getpid(), signal.SIGKILL)


class DiesAfterSending(WebhookChannel):
    """The real channel; whoever uses it does not live to write down what it did."""

    def send(self, page: Page, address: str, secret: str) -> None:
        super().send(page, address, secret)
        end()


def press(conn: Connection, now: datetime) -> None:
    """Take a press of home-1's button."""
    kind = "sos.pressed"
    source = CATALOGUE[kind].source
    event = Event("home-1", now, "button-1", 1, source, kind, received_at=now)
    incidents.on_event(conn, event, now=now, settings=SETTINGS)


def main(doing: str, dsn: str, now: datetime, url: str) -> None:
    """Do it, and die."""
    database = Database(dsn, application="dying")
    database.open()
    clock = ManualClock(now)
    if doing == "commit":
        with database.transaction() as conn:
            press(conn, now)
    elif doing == "press":
        with database.transaction() as conn:
            press(conn, now)
            end()
    elif doing == "claim":
        with database.transaction() as conn:
            assert claim(conn, now=now, settings=SETTINGS, limit=8)
    elif doing == "send":
        with database.transaction() as conn:
            conn.execute("UPDATE responders SET webhook_url = %s", (url,))
        Dispatcher(database, clock, SETTINGS, [DiesAfterSending(clock)]).deliver_due()
    elif doing == "escalate":
        with database.transaction() as conn:
            assert fire_due(conn, now=now, settings=SETTINGS)
            end()
    end()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]), sys.argv[4])
