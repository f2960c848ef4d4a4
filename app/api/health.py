"""`/healthz` for whoever watches the service, `/metrics` for the machine itself."""

from __future__ import annotations

import ipaddress

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.api.desk import DeskDep
from core.errors import NotFound

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="200 only if the database answers")
def healthz(desk: DeskDep) -> dict[str, bool]:
    with desk.database.transaction() as conn:
        conn.execute("SELECT 1")
    return {"ok": True}


def _is_loopback(request: Request) -> bool:
    """Say whether the peer is this machine itself and not a proxy on it speaking for another."""
    forwarded = "forwarded" in request.headers or "x-forwarded-for" in request.headers
    if request.client is None or forwarded:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    if not _is_loopback(request):
        raise NotFound("no such thing here")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
