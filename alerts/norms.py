"""The times that alarm services answer to, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alerts.lifecycle import Move
from alerts.policy import Kind

HOLD_UP = frozenset({Kind.SOS, Kind.DURESS})
_OTHER_ALARMS = frozenset({Kind.INTRUSION, Kind.LOITERING, Kind.TAMPER})


@dataclass(frozen=True, slots=True)
class Norm:
    """Of the incidents of `kinds`, the share `asked` comes to `step` in `within_s` of receipt."""

    source: str
    step: Literal[Move.ACKNOWLEDGE, Move.ARRIVE]
    kinds: frozenset[Kind]
    within_s: int
    asked: float


NORMS = (
    # EN 50518:2019, alarm receiving centres: hold-up alarms, then all others
    Norm("EN 50518 hold-up", Move.ACKNOWLEDGE, HOLD_UP, 30, 0.80),
    Norm("EN 50518 hold-up", Move.ACKNOWLEDGE, HOLD_UP, 60, 0.985),
    Norm("EN 50518 other", Move.ACKNOWLEDGE, _OTHER_ALARMS, 90, 0.80),
    Norm("EN 50518 other", Move.ACKNOWLEDGE, _OTHER_ALARMS, 180, 0.985),
    # TSA Quality Standards Framework, telecare monitoring
    Norm("TSA", Move.ACKNOWLEDGE, HOLD_UP, 60, 0.975),
    Norm("TSA", Move.ACKNOWLEDGE, HOLD_UP, 180, 0.99),
    # NENA-STA-020, emergency calls
    Norm("NENA", Move.ACKNOWLEDGE, HOLD_UP, 15, 0.90),
    # Korean Security Services Industry Act: at the door within 25 minutes, each time
    Norm("25 minutes", Move.ARRIVE, HOLD_UP | {Kind.INTRUSION}, 25 * 60, 1.0),
)
