"""The rule of loitering, on the truth: when has somebody stayed too long? No detector's code."""

from __future__ import annotations

from collections.abc import Sequence


def due_s(
    steps: Sequence[tuple[float, float, float, float]],
    threshold_s: float,
    radius: float,
    anywhere_factor: float,
) -> float | None:
    """Return when somebody who walks (time, foot x, foot y, height) first has stayed too long.

    The rule, on the truth: within `radius` body heights of one spot for `threshold_s`, or in
    view for `anywhere_factor` times that. `steps` must be contiguous sightings.
    """
    if not steps:
        return None
    first_s, last_s = steps[0][0], steps[-1][0]
    anywhere_s = first_s + anywhere_factor * threshold_s
    latest = anywhere_s if last_s >= anywhere_s else None
    start = 0
    for end, (at_s, *_) in enumerate(steps):
        while at_s - steps[start][0] > threshold_s:
            start += 1
        span = steps[max(start - 1, 0) : end + 1]
        if at_s - span[0][0] >= threshold_s - 1e-6 and _one_spot(span, radius):
            return at_s if latest is None else min(at_s, latest)
    return latest


def _one_spot(span: Sequence[tuple[float, float, float, float]], radius: float) -> bool:
    middle_x = sum(x for _, x, _, _ in span) / len(span)
    middle_y = sum(y for _, _, y, _ in span) / len(span)
    height = sum(h for *_, h in span) / len(span)
    reach = (radius * height) ** 2
    return all((x - middle_x) ** 2 + (y - middle_y) ** 2 <= reach for _, x, y, _ in span)
