"""What an incident turned out to be, and why a false one was false."""

from __future__ import annotations

# Causes as EN 50518 and police false-alarm reduction count them: the person, the surroundings,
# the equipment; `unknown` is an answer too, and a share to be watched.
FALSE_CAUSES = (
    "resident",  # by the person who lives there: at their own door, by mistake
    "visitor",  # somebody with a reason to be there: post, delivery, family, staff
    "animal",
    "surroundings",  # light, weather, a poster, a passing shadow
    "device",  # a fault of camera, button or sensor
    "unknown",
)
