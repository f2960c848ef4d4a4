"""In which order the queue stands, and what a flood of technical alarms is folded into. Pure.

EEMUA 191 and ISA-18.2 call more than ten alarms in ten minutes a flood: nobody reads them one by
one. Folded are technical ones (the lowest priority) that nobody has in hand, by kind and district;
nothing that may be about a person ever is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from alerts.board import IncidentCard
from core.catalogue import Priority

FLOOD_FROM = 10  # EEMUA 191: the limit of what one operator takes in ten minutes


@dataclass(frozen=True, slots=True)
class Fold:
    """Technical incidents of one kind in one district, oldest first."""

    kind: str
    district: str
    cards: tuple[IncidentCard, ...]

    @property
    def key(self) -> str:
        """What names the fold as long as it lasts."""
        return f"{self.kind}/{self.district}"


Row: TypeAlias = "IncidentCard | Fold"


def rows(
    cards: Sequence[IncidentCard], parked: Collection[int], opened: Collection[str] = ()
) -> list[Row]:
    """Return the queue: urgent first, oldest first within; parked ones last; floods folded.

    `cards` are in the order of urgency. Folds in `opened` are followed by what is in them.
    """
    standing = [card for card in cards if card.incident_id not in parked]
    technical = [card for card in standing if _may_fold(card)]
    aside = [card for card in cards if card.incident_id in parked]
    if len(technical) <= FLOOD_FROM:
        return [*standing, *aside]
    folded = {card.incident_id for card in technical}
    found: list[Row] = [card for card in standing if card.incident_id not in folded]
    for fold in _folds(technical):
        found.append(fold)
        if fold.key in opened:
            found.extend(fold.cards)
    return [*found, *aside]


def _may_fold(card: IncidentCard) -> bool:
    return card.priority == Priority.TECHNICAL and card.acknowledged_at is None


def _folds(technical: Iterable[IncidentCard]) -> list[Fold]:
    groups: defaultdict[tuple[str, str], list[IncidentCard]] = defaultdict(list)
    for card in technical:
        groups[card.kind, card.district].append(card)
    return [Fold(kind, district, tuple(group)) for (kind, district), group in groups.items()]


def load(cards: Iterable[IncidentCard]) -> list[tuple[str, int]]:
    """Return who has how many open incidents in hand, the busiest first."""
    held = Counter(
        card.acknowledged_by for card in cards if card.acknowledged_at and card.acknowledged_by
    )
    return sorted(held.items(), key=lambda one: (-one[1], one[0]))
