"""Prints every route of the real application, as JSON lines; run as a module in its own process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nicegui

from app.accounts.routes import routes_of
from app.api.models import EventReceipt
from app.web import build
from core.clock import SystemClock
from core.database import Database
from core.objects import Objects
from tests.e2e.screens.serving import settings_of


def main(folder: Path) -> None:
    def no_sos(_household: str, _actor: str, _seq: int) -> EventReceipt:
        raise NotImplementedError

    settings = settings_of("postgresql://nobody@127.0.0.1:1/none", 1, folder)
    database = Database(settings.database, application="routes")
    app = build(settings, database, SystemClock(), Objects(settings.objects), no_sos)
    for method, path in routes_of([*app.routes, *nicegui.app.routes]):
        print(json.dumps([method, path]))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
