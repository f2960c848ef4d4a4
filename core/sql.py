"""Named queries: SQL lives in `queries.sql` files beside the code that runs it.

A query begins with `-- name: word` and an optional comment that says what it is for; parameters
are psycopg's `%(name)s`. `tests/architecture` prepares every one against the migrated schema.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import LiteralString, cast

_HEAD = re.compile(r"^-- name: ([a-z0-9_]+)\n(?:-- .*\n)*", re.MULTILINE)


def load(package: str, file: str = "queries.sql") -> dict[str, LiteralString]:
    """Return the named queries of a package's file; raise `ValueError` on a double name.

    The text is ours, shipped in the wheel, so it may stand where psycopg wants a literal.
    """
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    pieces = _HEAD.split(text)[1:]
    queries: dict[str, LiteralString] = {}
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        if name in queries:
            raise ValueError(f"{package}/{file}: two queries are named {name}")
        queries[name] = cast("LiteralString", body.strip())
    return queries
