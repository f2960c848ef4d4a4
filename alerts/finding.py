"""What a responder found at the door: the end of a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from alerts.audit import Detail
from alerts.lifecycle import Move, PageState
from alerts.pages import AnswerView, arrive, locked_page, set_state
from alerts.positions import unshare
from alerts.transition import apply
from core import sql
from core.database import Connection
from core.errors import Conflict, PermanentError

Finding = Literal["helped", "handed_over", "false_alarm", "nobody", "no_entry", "other"]
FINDINGS: tuple[Finding, ...] = get_args(Finding)
LONGEST_NOTE = 2000
MOST_PHOTOS = 3
_QUERIES = sql.load("alerts")


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture that was stored: object key, SHA-256 (hex) and size of its bytes."""

    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a responder tells. Raises `PermanentError` for a finding that is none, or too much."""

    finding: str
    note: str = ""
    photos: tuple[Photo, ...] = ()

    def __post_init__(self) -> None:
        if self.finding not in FINDINGS:
            raise PermanentError(
                f"finding {self.finding[:40]!r}: one of {', '.join(FINDINGS)}", "page.finding"
            )
        if len(self.note) > LONGEST_NOTE or len(self.photos) > MOST_PHOTOS:
            raise PermanentError(
                f"at most {LONGEST_NOTE} characters and {MOST_PHOTOS} photos",
                "page.too_much",
                characters=LONGEST_NOTE,
                photos=MOST_PHOTOS,
            )


def finish(conn: Connection, page_id: int, found: Found, *, now: datetime) -> AnswerView:
    """End the job of a responder who accepted, with what was found; again changes nothing.

    Who has not said that they arrived has done so now. The position is shared no more; the
    incident stays open until an operator closes it. Raises `NotFound`, and `Conflict` for one who
    has not accepted or when the incident is over.
    """
    page, incident = locked_page(conn, page_id)
    if page.state is PageState.DONE:
        return AnswerView(
            page_id, incident.incident_id, page.responder_id, page.state, incident.state
        )
    if page.state is PageState.ACCEPTED:
        arrive(conn, page_id, now=now)
        page, incident = locked_page(conn, page_id)
    if page.state is not PageState.ARRIVED:
        raise Conflict("only who has accepted can tell what was found", "page.not_accepted")
    note = found.note.replace("\0", "")
    values = {"page_id": page_id, "finding": found.finding, "note": note, "now": now}
    conn.execute(_QUERIES["note_finding"], values)
    for photo in found.photos:
        kept = {"key": photo.key, "sha256": photo.sha256, "size_bytes": photo.size_bytes}
        conn.execute(_QUERIES["keep_photo"], {"page_id": page_id, "now": now, **kept})
    unshare(conn, page_id)
    detail: Detail = {
        "page_id": page_id,
        "responder": page.responder_id,
        "finding": found.finding,
        "note": note,
        "photos": ",".join(photo.sha256 for photo in found.photos),
    }
    incident = apply(conn, incident, Move.FINDING, actor=page.actor, now=now, detail=detail)
    return set_state(conn, page, incident, PageState.DONE)
