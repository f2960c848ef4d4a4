"""In which line of a TOML text a table or a key stands; `tomllib` does not say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_HEADER = re.compile(r"\s*\[{1,2}\s*([\w.-]+)\s*\]{1,2}")
_KEY = re.compile(r"\s*([\w-]+)\s*=")


@dataclass(frozen=True, slots=True)
class Place:
    """A table: the line of its header and of each of its keys, counted from 1."""

    line: int
    keys: Mapping[str, int] = field(default_factory=dict)

    def of(self, key: str) -> int:
        """Return the line of a key, that of the header when the table has no such key."""
        return self.keys.get(key, self.line)


def places(text: str) -> dict[str, list[Place]]:
    """Return the tables by name, those of one name in order; the file's own keys under ''.

    For a text that `tomllib` has read and that has no multi-line strings: a line that looks like
    a header or a key is one.
    """
    keys: dict[str, int] = {}
    found: dict[str, list[Place]] = {"": [Place(1, keys)]}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            keys = {}
            found.setdefault(header[1], []).append(Place(number, keys))
        elif key := _KEY.match(line):
            keys.setdefault(key[1], number)
    return found
