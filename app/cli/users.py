"""`doorguard user …` and `doorguard token`: who may sign in or use the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.accounts import second_factor, tokens, users
from app.accounts.principal import Role
from app.cli.command import Result, command, table
from app.site import Site

user = typer.Typer(no_args_is_help=True, help="Who may sign in or use the API.")

Name = Annotated[str, typer.Argument(metavar="NAME")]
District = Annotated[str, typer.Option(help="Where staff are responsible; all when not given.")]


def _now() -> datetime:
    return datetime.now(UTC)


@command(user, "add")
def user_add(
    site: Site,
    user_id: Name,
    *,
    role: Annotated[Role, typer.Option()] = Role.RESIDENT,
    district: District = "",
    household_ids: Annotated[
        list[str] | None, typer.Option("--household", metavar="H", help="A home of theirs.")
    ] = None,
) -> Result:
    """Add a user with a random password, printed this once."""
    with site.connect() as conn:
        password = users.add_user(conn, user_id, role, household_ids or [], district)
    result = {"user": user_id, "role": str(role), "password": password}
    return result, "\n".join(f"{key:<9} {value}" for key, value in result.items())


@command(user, "list")
def user_list(site: Site) -> Result:
    """List the users."""
    with site.connect() as conn:
        rows = users.list_users(conn)
    columns = ["user_id", "role", "district", "second_factor", "households"]
    return {"users": rows}, table(rows, columns, "no users")


@command(user, "remove")
def user_remove(site: Site, user_id: Name) -> Result:
    """End a user's access; their tokens and sessions die at once."""
    with site.connect() as conn:
        users.remove_user(conn, user_id, _now())
    return {"user": user_id, "removed": True}, f"removed {user_id}"


@command(user, "role")
def user_role(
    site: Site,
    user_id: Name,
    role: Annotated[Role, typer.Argument()],
    *,
    district: District = "",
) -> Result:
    """Give a member of the staff another role or district."""
    with site.connect() as conn:
        users.change_role(conn, user_id, role, district)
    result = {"user": user_id, "role": str(role), "district": district}
    return result, f"{user_id} is {role} of {district or 'every district'}"


@command(user, "password")
def user_password(site: Site, user_id: Name) -> Result:
    """Make a new password, printed this once; the old one and every session end."""
    with site.connect() as conn:
        password = users.new_password_for(conn, user_id, _now())
    return {"user": user_id, "password": password}, password


@command(user, "lost-telephone")
def user_lost_telephone(site: Site, user_id: Name) -> Result:
    """Take a telephone out of use; its owner enrols another at the next sign-in."""
    with site.connect() as conn:
        second_factor.forget(conn, user_id)
    return {"user": user_id, "second_factor": False}, f"{user_id} enrols a telephone next time"


@command(user, "link")
def user_link(
    site: Site,
    user_id: Name,
    subject: Annotated[str, typer.Argument(help="ISSUER|SUBJECT, as the sign-in page says it.")],
) -> Result:
    """Let somebody sign in through the identity provider; an empty subject ends it."""
    with site.connect() as conn:
        users.link_oidc(conn, user_id, subject or None)
    return {"user": user_id, "subject": subject}, f"{user_id} is {subject or 'linked to nobody'}"


def token(
    site: Site,
    user_id: Annotated[str, typer.Argument(metavar="USER")],
    *,
    days: Annotated[int, typer.Option(help="How long it holds.", min=1, max=3650)] = 90,
) -> Result:
    """Print a bearer token for the API."""
    with site.connect() as conn:
        issued = tokens.issue_token(conn, user_id, _now(), days=days)
    return {"user": user_id, "token": issued, "days": days}, issued
