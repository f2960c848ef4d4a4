"""Where an event stands in time when the device's clock is off; pure.

Design §4: more than 1 h ahead or 30 d behind on receipt is kept as reported and flagged.
"""

from __future__ import annotations

from datetime import datetime, timedelta

MAX_AHEAD = timedelta(hours=1)
MAX_BEHIND = timedelta(days=30)


def clock_is_off(at: datetime, received_at: datetime) -> bool:
    """Say whether a reported time cannot be believed on receipt."""
    return not (received_at - MAX_BEHIND <= at <= received_at + MAX_AHEAD)
