"""How long a stretch of time one chunk or partition holds; pure."""

from __future__ import annotations

from datetime import timedelta

# The unique index of the chunk being written must stay in memory. At 50 rows a home and day, 130
# bytes of index each, these hold one to twelve million rows and 0.1 to 1.6 GB; a chunk of a
# million rows took 260,000 rows/s, of ten million 190,000 (two cores). Wider would not fit,
# narrower would make planning long over a year.
_WIDTHS = ((3_000, timedelta(days=7)), (100_000, timedelta(days=1)))
_NARROWEST = timedelta(hours=6)


def chunk_width(homes: int) -> timedelta:
    """Return the width of a chunk for a fleet of this many homes."""
    return next((width for limit, width in _WIDTHS if homes <= limit), _NARROWEST)
