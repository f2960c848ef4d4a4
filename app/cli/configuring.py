"""`doorguard device configure`: what a camera calls loitering, where, when, and what it hides.

What is given replaces that setting and leaves the others; the whole is checked as a detector
checks it before anything is stored, so a mistake reaches no camera.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.command import Result
from app.site import Site
from core.errors import ConfigurationError, DecodeError
from gateway import registry

_SWITCHES = {"motion": "motion", "health": "health", "loitering": "loiter"}
_LISTS = {"zone": "zones", "mask": "masks"}

Section = dict[str, Any]


def device_configure(
    site: Site,
    device_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    loiter_after_s: Annotated[
        float | None, typer.Option(help="T: staying so long is loitering, 10 to 300 s.")
    ] = None,
    min_height: Annotated[
        float | None, typer.Option(help="Least height of a person, of the picture's.")
    ] = None,
    zone: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ZONE",
            help="Where staying counts: 'door=0.2,0.4 0.8,0.4 0.8,1 0.2,1; after_s=20; "
            "min_height=0.3', in fractions of the picture; those given replace all before.",
        ),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(metavar="MASK", help="What nobody may see: 'window=0,0 0.3,0 0.3,0.4 0,0.4'."),
    ] = None,
    after_hours: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOURS", help="A shorter T by local time: '22:00-06:00=15' or '…=15 sat,sun'."
        ),
    ] = None,
    high_risk_after_s: Annotated[
        float | None, typer.Option(help="T while the home is at high risk.")
    ] = None,
    visits: Annotated[
        str | None, typer.Option(help="Repeated visits: COUNT,LEAST_S,WITHIN_S; '3,8,900'.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Of the after hours; Asia/Seoul, say.")] = (
        None
    ),
    motion: Annotated[bool | None, typer.Option("--motion/--no-motion")] = None,
    loitering: Annotated[bool | None, typer.Option("--loitering/--no-loitering")] = None,
    health: Annotated[bool | None, typer.Option("--health/--no-health")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Sections from a TOML or JSON file (- for standard input); an empty "
            "section is taken away.",
        ),
    ] = None,
) -> Result:
    """Set what the detectors of a camera are asked for; without any option, show it."""
    given: dict[str, Any] = {
        "loiter_after_s": loiter_after_s,
        "min_height": min_height,
        "zone": zone,
        "mask": mask,
        "after_hours": after_hours,
        "high_risk_after_s": high_risk_after_s,
        "visits": visits,
        "timezone": timezone,
        "motion": motion,
        "loitering": loitering,
        "health": health,
    }
    given = {name: value for name, value in given.items() if value is not None}
    sections = _read(file) if file else {}
    with site.connect() as conn:
        config = registry.configuration(conn, device_id)
        if not given and not sections:
            shown: Section = {"device": device_id, "config": config}
            return shown, json.dumps(config, indent=2, ensure_ascii=False)
        config = changed(config, sections, given)
        try:
            version = registry.configure(conn, device_id, config)
        except DecodeError as error:
            raise ConfigurationError(f"{device_id} keeps what it has: {error.detail}") from None
    result = {"device": device_id, "config_version": version, "config": config}
    return result, f"{device_id}: configuration {version}"


def changed(config: Section, sections: Section, given: dict[str, Any]) -> Section:
    """Return the configuration with whole sections replaced (an empty one taken away) and then
    single settings set. Raises `ConfigurationError` for a setting that cannot be read.
    """
    whole = {**config, **sections}
    loiter = dict(whole.get("loiter", {}))
    for name, value in given.items():
        if name == "loiter_after_s":
            loiter["after_s"] = value
        elif name in {"min_height", "high_risk_after_s"}:
            loiter[name] = value
        elif name == "after_hours":
            loiter[name] = [_hours(text) for text in value if text]
        elif name in _SWITCHES and name != "loitering":
            whole[name] = {"enabled": value}
        elif name == "loitering":
            loiter["enabled"] = value
        elif name == "visits":
            whole[name] = _visits(value)
        elif name in _LISTS:
            whole[_LISTS[name]] = [_area(name, text) for text in value if text]
            if name == "zone":
                loiter.pop("zone", None)
        else:
            whole[name] = value
    whole["loiter"] = loiter
    return {name: value for name, value in whole.items() if value or value == 0}


def _read(file: Path) -> Section:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        if file.suffix == ".toml":
            return tomllib.loads(text)
        read = json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"--from {file}: {error}") from None
    if not isinstance(read, dict):
        raise ConfigurationError(f"--from {file}: an object of sections is expected")
    return read


def _area(what: str, text: str) -> Section:
    shape, *extras = (part.strip() for part in text.split(";"))
    name, _, corners = shape.partition("=")
    try:
        area: Section = {
            "name": name.strip(),
            "polygon": [[float(n) for n in corner.split(",")] for corner in corners.split()],
        }
        for extra in extras:
            key, _, value = extra.partition("=")
            if what == "mask" or key not in {"after_s", "min_height"}:
                raise ConfigurationError(f"--{what} {text}: {key!r} is no setting of a {what}")
            area[key] = float(value)
    except ValueError:
        raise ConfigurationError(
            f"--{what} {text}: NAME=X,Y X,Y X,Y … in fractions of the picture is expected"
        ) from None
    return area


def _hours(text: str) -> Section:
    try:
        span, rest = text.split("=")
        after_s, *days = rest.split()
        begins, ends = span.split("-")
        hours: Section = {"from": begins.strip(), "to": ends.strip()}
        hours["after_s"] = float(after_s)
    except ValueError:
        raise ConfigurationError(
            f"--after-hours {text}: HH:MM-HH:MM=SECONDS is expected, 22:00-06:00=15 say"
        ) from None
    if days:
        hours["days"] = "".join(days).split(",")
    return hours


def _visits(text: str) -> Section:
    try:
        count, least_s, within_s = text.split(",")
        return {"count": int(count), "least_s": float(least_s), "within_s": float(within_s)}
    except ValueError:
        raise ConfigurationError(f"--visits {text}: COUNT,LEAST_S,WITHIN_S, 3,8,900 say") from None
