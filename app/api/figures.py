"""`/v1/figures`: how fast help was, for those who answer for the service; no home is named."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from alerts import figures
from alerts.figures import Cut, Figures
from app.accounts.permissions import Right, permit
from app.api import models
from app.api.desk import READS_HOME, DeskDep, TokenDep, authenticate, deciding, limited
from app.api.problems import responses
from core.errors import PermanentError

LONGEST = timedelta(days=400)
_USUAL = timedelta(days=30)
_COLUMNS = ("kind", "district", "month", "step", "n", "p50_s", "p90_s", "p99_s", "max_s")

router = APIRouter(prefix="/v1/figures", tags=["service"])


def as_json(found: Figures) -> models.Figures:
    """Return what the API and the command line give."""
    return models.Figures.model_validate(
        {
            "from": found.since,
            "to": found.until,
            "steps": [asdict(one) for one in found.steps],
            "norms": [
                {
                    "source": one.norm.source,
                    "step": one.norm.step.value,
                    "kinds": sorted(one.norm.kinds),
                    "within_s": one.norm.within_s,
                    "asked": one.norm.asked,
                    "n": one.n,
                    "kept": one.kept,
                    "share": one.share,
                    "met": one.met,
                }
                for one in found.norms
            ],
            "false_alarms": [asdict(one) for one in found.false_alarms],
        }
    )


def as_csv(found: Figures) -> str:
    """Return the steps as CSV (RFC 4180), with a header line."""
    text = io.StringIO()
    rows = csv.DictWriter(text, _COLUMNS)
    rows.writeheader()
    rows.writerows(asdict(one) for one in found.steps)
    return text.getvalue()


@router.get(
    "",
    summary="Times of each step with their percentiles, and the norms they answer to",
    response_model=models.Figures,
    dependencies=[READS_HOME],
    responses=responses(400, 401, 403, 422, 503),
)
def read(
    desk: DeskDep,
    token: TokenDep,
    from_at: Annotated[
        AwareDatetime | None, Query(alias="from", description="First instant; 30 days ago")
    ] = None,
    to_at: Annotated[
        AwareDatetime | None, Query(alias="to", description="The instant after the last; now")
    ] = None,
    by: Annotated[
        list[Cut] | None, Query(description="What to tell apart; repeat it for several")
    ] = None,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> models.Figures | Response:
    now = desk.clock.now()
    until = to_at or now
    since = from_at or until - _USUAL
    if not timedelta(0) < until - since <= LONGEST:
        raise PermanentError(f"`from` lies before `to`, by at most {LONGEST.days} days")
    with deciding(desk) as conn, limited(conn):
        who = authenticate(desk, conn, token)
        permit(who, Right.FIGURES)
        found = figures.figures(
            conn,
            since=since,
            until=until,
            by=by or ["kind"],
            now=now,
            timezone=desk.settings.timezone,
            district=who.district,
        )
    if form == "csv":
        return Response(as_csv(found), media_type="text/csv; charset=utf-8")
    return as_json(found)
