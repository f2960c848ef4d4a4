"""Travel time by distance alone: always there, never late. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, cos, radians, sin, sqrt

from core.ports import Mode, Origin

_EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG
# Streets against the great circle: 1.3 to 1.4 in cities with a dense grid (Ballou et al., 2002,
# "Selected country circuity factors", has 1.2 to 1.5 for most of the world); the slower is safer.
STREET_FACTOR = 1.4
NAME = "street factor"
# Door to door in a city with its lights: 20 km/h on wheels, 5 km/h on foot.
SPEED_M_S: dict[Mode, float] = {"drive": 20 / 3.6, "walk": 5 / 3.6}


def distance_m(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Return the great-circle distance in metres (haversine)."""
    lat1, lat2 = radians(lat), radians(other_lat)
    half_lat, half_lon = (lat2 - lat1) / 2, radians(other_lon - lon) / 2
    h = sin(half_lat) ** 2 + cos(lat1) * cos(lat2) * sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_M * asin(min(1.0, sqrt(h)))


def travel_s(great_circle_m: float, mode: Mode) -> float:
    """Return the seconds for a great-circle distance in metres."""
    return great_circle_m * STREET_FACTOR / SPEED_M_S[mode]


class StreetFactor:
    """`core.ports.TravelTimes` without any service."""

    name = NAME

    def seconds(self, origins: Sequence[Origin], lat: float, lon: float) -> list[float | None]:
        return [travel_s(distance_m(one.lat, one.lon, lat, lon), one.mode) for one in origins]
