"""Weekly shifts from a file that a planner keeps: CSV or TOML. Pure.

CSV has a header line `responder,days,start,end` with optional `first_day,last_day`; TOML has
`[[shift]]` tables with the same keys. Days: `mon-fri`, `sat,sun`, `daily`.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

from alerts.rules.lines import places
from alerts.shifts import EVERY_DAY, WeeklyShift
from core.errors import PermanentError

_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NEEDED = {"responder", "days", "start", "end"}
_KNOWN = _NEEDED | {"first_day", "last_day"}


def parse(text: str, name: str) -> dict[str, list[WeeklyShift]]:
    """Return the shifts by responder; `name` ends in `.csv` or `.toml` and stands in the errors.

    Raises `PermanentError` with file and line.
    """
    if name.endswith(".toml"):
        rows = _toml(text, name)
    elif name.endswith(".csv"):
        rows = _csv(text, name)
    else:
        raise PermanentError(f"{name}: a roster is a .csv or a .toml file")
    found: defaultdict[str, list[WeeklyShift]] = defaultdict(list)
    for line, row in rows:
        try:
            shift = _shift(row)
            found[str(row["responder"]).strip()].append(shift)
        except (ValueError, TypeError) as error:
            raise PermanentError(f"{name}:{line}: {error}") from None
    if not found:
        raise PermanentError(f"{name}: there is no shift in it")
    return dict(found)


def days_of(text: str) -> frozenset[int]:
    """Return ISO weekdays of `mon-fri`, `sat,sun`, `fri-mon`, `daily`; raise `ValueError`."""
    if text.strip().lower() == "daily":
        return EVERY_DAY
    found: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = (one.strip() for one in part.partition("-"))
        if first not in _NAMES or (last and last not in _NAMES):
            raise ValueError(f"days {text!r}: mon-fri, sat,sun or daily is expected")
        begin = _NAMES.index(first)
        length = (_NAMES.index(last or first) - begin) % 7
        found |= {(begin + n) % 7 + 1 for n in range(length + 1)}
    return frozenset(found)


def _shift(row: Mapping[str, Any]) -> WeeklyShift:
    wrong = [f"{one} is not known" for one in sorted(row.keys() - _KNOWN)]
    wrong += [f"{one} is missing" for one in sorted(_NEEDED - row.keys())]
    if wrong:
        raise ValueError(", ".join(wrong))
    if not str(row["responder"] or "").strip():
        raise ValueError("responder is empty")
    first, last = _day(row.get("first_day")), _day(row.get("last_day"))
    if first and last and last < first:
        raise ValueError("last_day lies before first_day")
    return WeeklyShift(
        days_of(str(row["days"])), _time(row["start"]), _time(row["end"]), first, last
    )


def _time(value: object) -> time:
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"{value!r}: HH:MM is expected") from None


def _day(value: object) -> date | None:
    if value is None or isinstance(value, date):
        return value
    text = str(value).strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{value!r}: a day as YYYY-MM-DD is expected") from None


def _csv(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                said = f"{name}:{reader.line_num}: as many fields as the header has are expected"
                raise PermanentError(said)
            yield reader.line_num, {(key or "").strip(): value for key, value in row.items()}
    except csv.Error as error:
        raise PermanentError(f"{name}:{reader.line_num}: {error}") from None


def _toml(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PermanentError(f"{name}: {error}") from None
    rows = read.pop("shift", [])
    if read or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PermanentError(f"{name}: only [[shift]] tables are expected")
    lines = places(text).get("shift", [])
    yield from ((place.line, row) for place, row in zip(lines, rows, strict=True))
