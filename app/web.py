"""The whole of what people touch over HTTP, in one application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.api import application
from app.api.desk import Desk
from app.console.mount import mount
from app.doors.unplugged import Unplugged

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from fastapi import FastAPI

    from app.api.around import WayAround
    from app.api.models import RaiseSos
    from core.clock import Clock
    from core.database import Database
    from core.ports import Cameras, Commands, ObjectStore
    from core.settings import Settings


def build(
    settings: Settings,
    database: Database,
    clock: Clock,
    objects: ObjectStore,
    raise_sos: RaiseSos,
    urgent: Database | None = None,
    commands: Commands | None = None,
    cameras: Cameras | None = None,
    around: WayAround | None = None,
    on_board: Callable[[datetime], None] | None = None,
) -> FastAPI:
    """Return the application: API under `/v1`, its documentation, the screens, health, metrics.

    `raise_sos` commits a resident's call for help; `urgent` is a small pool of its own in which
    the caller is checked, so that a call never waits for connections that others hold. `commands`
    and `cameras` are the way to the devices, without which none can be reached. Once per process
    (see `app.console.mount`). `on_board` is told how new is what open boards were handed.
    """
    none = Unplugged()
    desk = Desk(
        settings,
        database,
        clock,
        objects,
        raise_sos,
        urgent,
        around,
        commands or none,
        cameras or none,
    )
    app = application.create(desk)
    mount(app, desk, on_board)
    return app
