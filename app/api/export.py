"""`/v1/incidents/{id}/export`: the whole incident as a signed archive."""

from __future__ import annotations

from fastapi import APIRouter, Response

from alerts import export
from app.accounts.permissions import Right, permit, reason
from app.api.desk import (
    READS_HOME,
    DeskDep,
    TokenDep,
    authenticate,
    deciding,
    incident_place,
    limited,
)
from app.api.incidents import IncidentId
from app.api.problems import responses

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
    with deciding(desk) as conn:
        who = authenticate(desk, conn, token)
        permit(who, Right.EXPORT)
        place = incident_place(conn, incident_id, desk.clock.now())
        reason(who, Right.EXPORT, place.household_id, place)
        with limited(conn):
            found = export.read(conn, incident_id, actor=who.user_id, now=desk.clock.now())
    key = export.signing_key(desk.settings.export_key or desk.settings.service_key)
    name = f"incident-{incident_id}.zip"
    return Response(
        export.archive(found, desk.objects.get, key),
        media_type=_ZIP,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
