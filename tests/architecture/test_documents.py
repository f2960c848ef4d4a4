"""Documents that are generated from the code agree with it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from core.schema import schema_text, with_table
from core.wire import decode_events

DOCS = Path(__file__).parents[2] / "docs"


def test_the_schema_file_is_the_codes() -> None:
    assert (DOCS / "protocol.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_catalogue_in_the_document_is_the_codes() -> None:
    document = (DOCS / "protocol.md").read_text(encoding="utf-8")
    assert document == with_table(document)


def test_the_event_shown_in_the_document_decodes() -> None:
    document = (DOCS / "protocol.md").read_text(encoding="utf-8")
    found = re.search(r"`(\{\"seq\":1234.*?\})`", document)
    assert found is not None
    decoded = decode_events(found[1].replace("{…}", "{}").encode())
    assert not decoded.errors
    assert decoded.events[0].ack


def test_the_example_device_has_at_most_forty_lines_and_nothing_of_ours() -> None:
    document = (DOCS / "protocol.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- button.py -->\n```python\n(.*?)```", document, re.DOTALL)
    assert found is not None
    assert len(found[1].splitlines()) <= 40
    imports = set(re.findall(r"^(?:import|from) ([\w, ]+)", found[1], re.MULTILINE))
    assert imports == {"json, sys, threading, time", "datetime import datetime, timezone", "paho"}


def test_schema_names_every_message() -> None:
    names = set(json.loads(schema_text())["$defs"])
    assert names >= {"EventMessage", "Status", "Reply", "Ack", "Command", "Events"}
