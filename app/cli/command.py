"""Commands that all speak alike: the same four options, one JSON line, clear errors.

With `--json` the last line of standard output is one JSON object; all else goes to standard error.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from app.site import Site
from core.errors import DoorGuardError

Data = Annotated[
    Path | None, typer.Option("--data", help="Data folder of the installation.", metavar="FOLDER")
]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database", help="Use this database instead.", metavar="DSN")
]
BrokerUrl = Annotated[
    str | None, typer.Option("--broker", help="Use this MQTT broker instead.", metavar="URL")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]

_COMMON = {"data": Data, "database": DatabaseUrl, "broker": BrokerUrl, "as_json": AsJson}

# A result is what the JSON line holds, and how it reads to a person.
Result = tuple[dict[str, Any], str]


def say(text: str) -> None:
    """Tell the person at the terminal; never standard output, which may be read by a program."""
    print(text, file=sys.stderr, flush=True)


def print_result(result: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print the one thing a command was asked for."""
    print(json.dumps(result, default=str, ensure_ascii=False) if as_json else text, flush=True)


def command(to: typer.Typer, name: str) -> Callable[[Callable[..., Result]], Callable[..., None]]:
    """Register a function `(site, …) -> (result, text)` as a command with the common options."""

    def register(function: Callable[..., Result]) -> Callable[..., None]:
        own = [
            parameter
            for parameter in inspect.signature(function, eval_str=True).parameters.values()
            if parameter.name != "site"
        ]
        common = [
            inspect.Parameter(
                key,
                inspect.Parameter.KEYWORD_ONLY,
                default=False if key == "as_json" else None,
                annotation=annotation,
            )
            for key, annotation in _COMMON.items()
        ]

        @functools.wraps(function)
        def run(
            *args: Any,
            data: Path | None,
            database: str | None,
            broker: str | None,
            as_json: bool,
            **given: Any,
        ) -> None:
            try:
                result, text = function(Site(data, database, broker), *args, **given)
            except DoorGuardError as error:
                say(f"doorguard: {error}")
                if as_json:
                    failed = {"ok": False, "error": type(error).__name__, "detail": str(error)}
                    print_result(failed, "", as_json=True)
                raise typer.Exit(1) from None
            print_result(result, text, as_json=as_json)
            if result.get("ok") is False:
                raise typer.Exit(1)

        run.__signature__ = inspect.Signature([*own, *common])  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in [*own, *common]}
        to.command(name)(run)
        return run

    return register


def table(rows: list[dict[str, Any]], columns: list[str], empty: str) -> str:
    """Return rows as aligned text."""
    if not rows:
        return empty
    lines = [columns, *([("" if row[c] is None else str(row[c])) for c in columns] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
