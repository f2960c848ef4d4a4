"""`doorguard bench detect`: the detectors against the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.bench import detect
from app.cli.command import Result
from app.site import Site
from core.errors import ConfigurationError

_MAX_SEEDS = 10_000


def seeds_of(text: str) -> tuple[int, ...]:
    """Read `40` (the seeds 1 to 40), `101-140` or `3,5,8`; raise `ConfigurationError`."""
    try:
        if text.strip().isdecimal():
            first, last = 1, int(text)
        elif "," not in text and "-" in text:
            first, last = (int(part) for part in text.split("-"))
        else:
            return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigurationError(f"seeds are 40, 101-140 or 3,5,8, not {text!r}") from None
    if not 0 <= last - first < _MAX_SEEDS:
        raise ConfigurationError(f"{text}: 1 to {_MAX_SEEDS} seeds")
    return tuple(range(first, last + 1))


def bench_detect(
    site: Site,  # noqa: ARG001 - every command has one
    *,
    footage: Annotated[
        Path | None,
        typer.Option(help="Folder of videos with truth.json. [env: DOORGUARD_FOOTAGE]"),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Another truth file; videos lie in --footage or beside it.")
    ] = None,
    scenes: Annotated[
        str | None,
        typer.Option(help="Rendered scenes by seed: 40 (1 to 40), 101-140 or 3,5,8."),
    ] = None,
    perturb: Annotated[
        bool, typer.Option("--perturb", help="Every clip again under twelve perturbations.")
    ] = False,
    perturb_seed: Annotated[
        int, typer.Option(help="Other moments and places of the same perturbations.", min=0)
    ] = 1,
) -> Result:
    """Judge the detectors against the truth of videos and rendered scenes, and take their time.

    Videos are sent as a door camera would: 1080p, 5 frames a second, after 40 s of their empty
    scene; T is 10 s.
    """
    wanted = detect.Wanted(
        footage, truth, seeds_of(scenes) if scenes else (), perturb, perturb_seed
    )
    found = detect.bench(wanted)
    return found, _as_text(found)


def _as_text(found: dict[str, Any], indent: str = "") -> str:
    lines = []
    for key, value in found.items():
        nested = isinstance(value, dict) and any(
            isinstance(part, dict | list) for part in value.values()
        )
        if nested:
            lines += [f"{indent}{key}", _as_text(value, indent + "  ")]
        elif isinstance(value, dict):
            row = "  ".join(f"{k} {v}" for k, v in value.items() if v is not None)
            lines.append(f"{indent}{key:<20}  {row}")
        elif isinstance(value, list):
            lines += [f"{indent}{part}" for part in value]
        elif value is not None:
            lines.append(f"{indent}{key:<20}  {value}")
    return "\n".join(lines)
