"""`/v1/households/{id}/contacts`: whom a home wants told of what happens at its door."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.accounts.permissions import Right
from app.api import caring_models
from app.api.acting import acting_at
from app.api.desk import READS_HOME, DeskDep, TokenDep, opened_home
from app.api.households import HomeId
from app.api.problems import responses
from households import contacts

ContactId = Annotated[int, Path(alias="contact", ge=1, le=2**63 - 1)]

router = APIRouter(prefix="/v1/households/{id}/contacts", tags=["home"])


@router.get(
    "",
    summary="Who is told",
    dependencies=[READS_HOME],
    responses=responses(401, 403, 404, 503),
)
def listed(desk: DeskDep, token: TokenDep, home: HomeId) -> caring_models.ContactList:
    """Names and the kind of way; addresses are told to nobody."""
    with opened_home(desk, token, home, Right.CONTACTS) as conn:
        rows = contacts.list_contacts(conn, home)
    return caring_models.ContactList(items=[caring_models.Contact(**row) for row in rows])


@router.post(
    "",
    summary="Have somebody told",
    status_code=201,
    responses=responses(400, 401, 403, 404, 409, 422, 503),
)
def add(
    desk: DeskDep, token: TokenDep, home: HomeId, given: caring_models.NameContact
) -> caring_models.NewContact:
    """The secret of a webhook is shown this once."""
    with acting_at(desk, token, home, Right.ADD_CONTACT) as acting:
        number, secret = contacts.add_contact(
            acting.conn,
            home,
            name=given.name,
            webhook_url=given.webhook_url,
            apprise_url=given.apprise_url,
            now=acting.now,
        )
        acting.told["contact"] = number
    return caring_models.NewContact(contact_id=number, webhook_secret=secret)


@router.delete(
    "/{contact}",
    summary="Tell them nothing any more",
    status_code=204,
    responses=responses(401, 403, 404, 422, 503),
)
def remove(desk: DeskDep, token: TokenDep, home: HomeId, contact: ContactId) -> Response:
    with acting_at(desk, token, home, Right.CONTACTS) as acting:
        contacts.remove_contact(acting.conn, home, contact, now=acting.now)
        acting.told["removed"] = contact
    return Response(status_code=204)
