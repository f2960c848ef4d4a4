"""A page as one JSON object: the body of a webhook, the data of a pager's command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.model import Page


def document(page: Page) -> dict[str, Any]:
    """Return the object; the same page gives the same one."""
    return {
        "message": page.message,
        "page_id": page.page_id,
        "incident": {
            "id": page.incident_id,
            "kind": page.kind,
            "priority": page.priority,
            "opened_at": _rfc3339(page.opened_at),
        },
        "household": {
            "name": page.household_name,
            "address": page.address,
            "access_note": page.access_note,
            "lat": page.lat,
            "lon": page.lon,
        },
        "responder": {"id": page.responder_id, "name": page.responder_name},
        "distance_m": page.distance_m,
        "answer_by": _rfc3339(page.answer_by),
        "page_url": page.page_url,
        "accept_url": page.accept_url,
        "decline_url": page.decline_url,
    }


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
