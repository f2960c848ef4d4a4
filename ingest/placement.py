"""Where an event stands in time when the device's clock is off; pure.

Design §4: more than 1 h ahead or 30 d behind on receipt is kept as reported and flagged.
"""

from __future__ import annotations

from datetime import timedelta

MAX_AHEAD = timedelta(hours=1)
MAX_BEHIND = timedelta(days=30)
