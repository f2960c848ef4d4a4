"""The whole of what people touch over HTTP, in one application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.api import application
from app.api.desk import Desk
from app.console.mount import mount

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.api.models import RaiseSos
    from core.clock import Clock
    from core.database import Database
    from core.ports import ObjectStore
    from core.settings import Settings


def build(
    settings: Settings,
    database: Database,
    clock: Clock,
    objects: ObjectStore,
    raise_sos: RaiseSos,
    urgent: Database | None = None,
) -> FastAPI:
    """Return the application: API under `/v1`, its documentation, the screens, health, metrics.

    `raise_sos` commits a resident's call for help; `urgent` is a small pool of its own in which
    the caller is checked, so that a call never waits for connections that others hold. Once per
    process (see `app.console.mount`).
    """
    desk = Desk(settings, database, clock, objects, raise_sos, urgent)
    app = application.create(desk)
    mount(app, desk)
    return app
