"""`doorguard household|device|responder add|list|remove`: setting up."""

from __future__ import annotations

from datetime import UTC, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from alerts import code_words, responders
from alerts.links import responder_token
from app.cli import configuring, on_test, supervising
from app.cli.command import Result, command, table
from app.provision import device_addresses
from app.site import Site
from core.errors import ConfigurationError, PermanentError, Refused
from core.settings import broker_addresses
from gateway import registry
from gateway.roles import SYNTHETIC_HOUSEHOLD
from households import homes

household = typer.Typer(no_args_is_help=True, help="Homes in the service.")
device = typer.Typer(no_args_is_help=True, help="Door cameras and SOS buttons.")
responder = typer.Typer(no_args_is_help=True, help="Those who go to the door.")

# City Hall of Seoul, where a home without a position is put; the text says so.
_DEFAULT_LAT, _DEFAULT_LON = 37.5663, 126.9779


class DeviceKind(StrEnum):
    """What can be installed."""

    CAMERA = "camera"
    BUTTON = "button"
    PAGER = "pager"


Lat = Annotated[float | None, typer.Option(help="Latitude, degrees (WGS 84).")]
Lon = Annotated[float | None, typer.Option(help="Longitude, degrees (WGS 84).")]


def _now() -> datetime:
    return datetime.now(UTC)


def _position(lat: float | None, lon: float | None) -> tuple[float, float]:
    if (lat is None) != (lon is None):
        raise ConfigurationError("--lat and --lon go together")
    return (_DEFAULT_LAT if lat is None else lat, _DEFAULT_LON if lon is None else lon)


@command(household, "add")
def household_add(
    site: Site,
    household_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    name: Annotated[str, typer.Option(help="How people call it.")] = "",
    address: Annotated[str, typer.Option(help="Where a responder must arrive.")] = "",
    access_note: Annotated[str, typer.Option(help="Door code, which stairs, the dog…")] = "",
    district: Annotated[str, typer.Option(help="District it belongs to.")] = "",
    resident: Annotated[str, typer.Option(help="Name of the person who lives there.")] = "",
    phone: Annotated[str, typer.Option(help="Their telephone.")] = "",
    high_risk: Annotated[bool, typer.Option("--high-risk", help="A threat is known.")] = False,
    lat: Lat = None,
    lon: Lon = None,
) -> Result:
    """Enrol a home. Without --lat and --lon it stands at Seoul City Hall."""
    at = _position(lat, lon)
    home = homes.Home(
        household_id, name or household_id, *at, address, access_note, district, high_risk
    )
    with site.connect() as conn:
        homes.add_household(conn, home)
        if resident:
            homes.add_resident(conn, household_id, name=resident, phone=phone)
    return {"household": household_id, "lat": at[0], "lon": at[1]}, f"household {household_id}"


@command(household, "risk")
def household_risk(
    site: Site,
    household_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    high: Annotated[bool, typer.Option("--high/--usual", help="Whether a threat is known.")],
) -> Result:
    """Note whether a threat to the home is known; the rules may ask for it."""
    with site.connect() as conn:
        homes.set_risk(conn, household_id, high=high)
        registry.renew_configurations(conn, household_id)
    text = f"{household_id} is at {'high' if high else 'the usual'} risk"
    return {"household": household_id, "high_risk": high}, text


@command(household, "code-words")
def household_code_words(
    site: Site,
    household_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    cancel: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Cancels an alarm.")],
    duress: Annotated[
        str, typer.Option(prompt=True, hide_input=True, help="Looks so, and sends help.")
    ],
) -> Result:
    """Agree on the two code words of a home; they are kept as hashes only."""
    with site.connect() as conn:
        code_words.set_words(conn, household_id, cancel=cancel, duress=duress, now=_now())
    return {"household": household_id, "code_words": True}, f"code words of {household_id} are set"


@command(household, "list")
def household_list(site: Site) -> Result:
    """List the homes."""
    with site.connect() as conn:
        rows = homes.list_households(conn)
    columns = ["household_id", "name", "district", "address", "lat", "lon"]
    return {"households": rows}, table(rows, columns, "no households")


@command(household, "remove")
def household_remove(
    site: Site, household_id: Annotated[str, typer.Argument(metavar="ID")]
) -> Result:
    """End a home's service; its history stays."""
    with site.connect() as conn:
        homes.remove_household(conn, household_id, now=_now())
    return {"household": household_id, "removed": True}, f"removed {household_id}"


@command(device, "add")
def device_add(
    site: Site,
    device_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    kind: Annotated[DeviceKind, typer.Option()],
    household_id: Annotated[str | None, typer.Option("--household", metavar="H")] = None,
    responder_id: Annotated[
        str | None, typer.Option("--responder", metavar="R", help="Who carries the pager.")
    ] = None,
) -> Result:
    """Register a device at a home, or a pager, and print its credentials, this once."""
    if (kind is DeviceKind.PAGER) != (responder_id is not None):
        raise ConfigurationError("a pager has --responder, every other device --household")
    settings = site.settings()
    addresses = [one._asdict() for one in device_addresses(settings)]
    with site.connect() as conn:
        made = registry.add_device(
            conn, device_id, household_id=household_id, kind=kind, now=_now()
        )
        if responder_id is not None:
            responders.give_device(conn, responder_id, device_id)
    result: dict[str, Any] = {
        "device": made.device,
        "username": made.username,
        "password": made.password,
        **addresses[0],
        "tls": broker_addresses(settings.broker)[0].tls,
        "addresses": addresses,
        "topic_root": made.topic_root,
    }
    shown = {**result, "addresses": ", ".join(f"{one['host']}:{one['port']}" for one in addresses)}
    return result, "\n".join(f"{key:<11} {value}" for key, value in shown.items())


@command(device, "list")
def device_list(site: Site) -> Result:
    """List the devices in service."""
    with site.connect() as conn:
        rows = registry.list_devices(conn)
    return {"devices": rows}, table(rows, ["device_id", "kind", "household_id"], "no devices")


@command(device, "remove")
def device_remove(site: Site, device_id: Annotated[str, typer.Argument(metavar="ID")]) -> Result:
    """Revoke a device's credentials; its history stays with the home it served."""
    with site.connect() as conn:
        registry.remove_device(conn, device_id, now=_now())
    return {"device": device_id, "removed": True}, f"removed {device_id}"


command(device, "configure")(configuring.device_configure)
command(device, "behind")(supervising.device_behind)
command(household, "care")(supervising.household_care)
command(household, "contact")(supervising.household_contact)
command(household, "test")(on_test.household_test)


def _shift(text: str | None) -> tuple[time, time] | None:
    if not text:
        return None
    try:
        start, end = text.split("-")
        return time.fromisoformat(start), time.fromisoformat(end)
    except ValueError:
        raise PermanentError(f"--shift {text}: HH:MM-HH:MM is expected, 21:00-02:30 say") from None


@command(responder, "add")
def responder_add(
    site: Site,
    responder_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    name: Annotated[str, typer.Option(help="Name on the board and in pages.")] = "",
    kind: Annotated[responders.Kind, typer.Option()] = "guard",
    webhook: Annotated[str | None, typer.Option(help="URL that receives signed pages.")] = None,
    apprise: Annotated[
        str | None,
        typer.Option(help="Apprise URL (SMS, push, mail, chat); @FILE reads it from a file."),
    ] = None,
    shift: Annotated[
        str | None, typer.Option(help="HH:MM-HH:MM local time; around the clock when absent.")
    ] = None,
    district: Annotated[str, typer.Option(help="Theirs; everywhere if none.")] = "",
    households: Annotated[
        list[str] | None,
        typer.Option("--household", metavar="H", help="Asked for these homes alone: family, say."),
    ] = None,
    channels: Annotated[
        list[str] | None,
        typer.Option("--channel", help="device, webhook or apprise, in the order of use."),
    ] = None,
    skills: Annotated[
        list[str] | None, typer.Option("--skill", help="first_aid, security or keys.")
    ] = None,
    lat: Lat = None,
    lon: Lon = None,
) -> Result:
    """Add a responder; the webhook's signing secret is printed this once."""
    if apprise and apprise.startswith("@"):  # it holds a password; a command line is seen by all
        try:
            apprise = Path(apprise[1:]).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"--apprise {apprise}: {error}") from error
    if not webhook and not apprise:
        raise ConfigurationError("a responder is reached by --webhook URL or --apprise URL")
    if webhook and urlsplit(webhook).scheme not in {"http", "https"}:
        raise ConfigurationError(f"--webhook {webhook}: an http or https URL is expected")
    at = _position(lat, lon)
    with site.connect() as conn:
        made = responders.add(
            conn,
            responder_id,
            name=name or responder_id,
            kind=kind,
            lat=at[0],
            lon=at[1],
            webhook_url=webhook,
            apprise_url=apprise,
            shift=_shift(shift),
            district=district,
            households=households or (),
            skills=skills or (),
            channels=channels or (),
            now=_now(),
        )
    result = {"responder": responder_id, "webhook_secret": made.get("webhook_secret")}
    return result, "\n".join(f"{key:<15} {value}" for key, value in result.items())


@command(responder, "list")
def responder_list(site: Site) -> Result:
    """List the responders."""
    with site.connect() as conn:
        rows = responders.list_all(conn)
    secret = {"webhook_secret", "apprise_url"}
    shown = [
        {**{k: v for k, v in row.items() if k not in secret}, "apprise": bool(row["apprise_url"])}
        for row in rows
    ]
    columns = ["responder_id", "name", "kind", "lat", "lon"]
    return {"responders": shown}, table(shown, columns, "no responders")


@command(responder, "link")
def responder_link(
    site: Site,
    responder_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    renew: Annotated[bool, typer.Option("--renew", help="Make earlier ones void.")] = False,
) -> Result:
    """Print the address of a responder's own page: everything they are asked for."""
    settings = site.settings()
    with site.connect() as conn:
        find = responders.renew_link if renew else responders.link_version
        token = responder_token(settings.service_key, responder_id, find(conn, responder_id))
    url = f"{settings.public_url.rstrip('/')}/responder/{token}"
    return {"responder": responder_id, "url": url}, url


@command(responder, "remove")
def responder_remove(
    site: Site, responder_id: Annotated[str, typer.Argument(metavar="ID")]
) -> Result:
    """Page this responder no more."""
    if responder_id == SYNTHETIC_HOUSEHOLD:
        raise Refused("the synthetic responder belongs to the minute's test of the path")
    with site.connect() as conn:
        responders.remove(conn, responder_id, now=_now())
    return {"responder": responder_id, "removed": True}, f"removed {responder_id}"
