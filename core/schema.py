"""JSON Schema of the protocol's messages and the event catalogue's table, from the code.

`python -m core.schema` writes them into `docs/`; a test keeps file and code alike.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from core.catalogue import CATALOGUE
from core.configuration import CameraConfiguration
from core.wire import MAX_EVENTS, Ack, Command, EventMessage, Reply, Status

_MESSAGES = (EventMessage, Status, Reply, Ack, Command, CameraConfiguration)
_BEGIN, _END = "<!-- catalogue: begin -->", "<!-- catalogue: end -->"


def schema() -> dict[str, Any]:
    """Return one JSON Schema (2020-12) with a definition per message."""
    _, components = msgspec.json.schema_components(_MESSAGES, ref_template="#/$defs/{name}")
    for name in ("EventMessage", "Reply", "Command"):
        components[name]["properties"]["data"] = {"type": "object"}
    components["EventMessage"]["properties"]["type"] = {"enum": sorted(CATALOGUE)}
    event = {"$ref": "#/$defs/EventMessage"}
    components["Events"] = {
        "oneOf": [event, {"type": "array", "items": event, "minItems": 1, "maxItems": MAX_EVENTS}]
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Door Guard device protocol v1",
        "$defs": components,
    }


def catalogue_table() -> str:
    """Return the event catalogue as a Markdown table."""
    lines = [
        "| type | reported by | priority | lane | restores | SIA | Contact-ID |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in CATALOGUE.values():
        priority = f"P{row.priority.value}" if row.priority else ""
        code = f"{row.cid_qualifier} {row.cid}" if row.cid else ""
        name = f"`{row.name}`"
        restores = ", ".join(f"`{name}`" for name in row.restores)
        lane = "alarm" if row.alarm else "event"
        lines.append(
            f"| {name} | {row.source} | {priority} | {lane} | {restores} | {row.sia} | {code} |"
        )
    return "\n".join(lines)


def with_table(document: str) -> str:
    """Return `docs/protocol.md` with the table of the catalogue as it is now."""
    head, rest = document.split(_BEGIN)
    _, tail = rest.split(_END)
    return f"{head}{_BEGIN}\n{catalogue_table()}\n{_END}{tail}"


def schema_text() -> str:
    """Return the schema as `docs/protocol.schema.json` holds it."""
    return json.dumps(schema(), indent=2) + "\n"


def main() -> None:
    """Write both into the checkout's `docs/`."""
    docs = Path(__file__).parents[1] / "docs"
    (docs / "protocol.schema.json").write_text(schema_text(), encoding="utf-8")
    document = docs / "protocol.md"
    document.write_text(with_table(document.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
