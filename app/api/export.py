"""`/v1/incidents/{id}/export`: the whole incident as a signed archive."""

from __future__ import annotations

from fastapi import APIRouter, Response

from alerts import export
from app.accounts.principal import Role
from app.api.desk import READS_HOME, DeskDep, TokenDep, authenticate, limited
from app.api.incidents import IncidentId
from app.api.problems import responses
from core.errors import Refused

router = APIRouter(prefix="/v1/incidents/{id}/export", tags=["service"])
_ZIP = "application/zip"


@router.get(
    "",
    summary="An incident as a signed archive",
    response_class=Response,
    dependencies=[READS_HOME],
    responses={200: {"content": {_ZIP: {}}}, **responses(400, 401, 403, 404, 503)},
)
def export_incident(desk: DeskDep, token: TokenDep, incident_id: IncidentId) -> Response:
    """Log, pages, deliveries, evidence, and a manifest of their digests, signed with Ed25519.

    `doorguard audit verify-export FILE --key KEY` checks it on another machine. The export is a
    look into the home and stands in its access log.
    """
    with desk.database.transaction() as conn:
        who = authenticate(desk, conn, token)
        if who.role is not Role.ADMINISTRATOR:
            raise Refused("incidents are exported by those who answer for the service")
        with limited(conn):
            found = export.read(conn, incident_id, actor=who.user_id, now=desk.clock.now())
    key = export.signing_key(desk.settings.export_key or desk.settings.service_key)
    name = f"incident-{incident_id}.zip"
    return Response(
        export.archive(found, desk.objects.get, key),
        media_type=_ZIP,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
