"""Travel times from a road service by HTTP: one request a mode, a short deadline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import httpx

from core.errors import ConfigurationError, PermanentError, TemporaryError
from core.ports import Mode, Origin, TravelTimes

DEADLINE_S = 2.0
_LONGEST_S = 24 * 3600.0
_DIRECT: dict[str, None] = {"all://127.0.0.1": None, "all://localhost": None, "all://[::1]": None}


class Dialect(Protocol):
    """How one road service is asked for the times from many places to one."""

    name: str

    def request(
        self, client: httpx.Client, base: str, origins: Sequence[Origin], lat: float, lon: float
    ) -> httpx.Request:
        """Return the request; all origins are of one mode."""
        ...

    def read(self, document: Mapping[str, Any]) -> list[float | None]:
        """Return the seconds in the order asked; raise `KeyError`, `TypeError`, `IndexError`."""
        ...


class Osrm:
    """The table service of OSRM (project-osrm.org/docs, "Table service")."""

    name = "osrm"
    _PROFILE: Mapping[Mode, str] = {"drive": "driving", "walk": "foot"}

    def request(
        self, client: httpx.Client, base: str, origins: Sequence[Origin], lat: float, lon: float
    ) -> httpx.Request:
        places = ";".join(f"{one.lon:.6f},{one.lat:.6f}" for one in origins)
        sources = ";".join(map(str, range(len(origins))))
        return client.build_request(
            "GET",
            f"{base}/table/v1/{self._PROFILE[origins[0].mode]}/{places};{lon:.6f},{lat:.6f}",
            params={
                "sources": sources,
                "destinations": str(len(origins)),
                "annotations": "duration",
            },
        )

    def read(self, document: Mapping[str, Any]) -> list[float | None]:
        if document["code"] != "Ok":
            raise TypeError(str(document["code"]))
        return [row[0] for row in document["durations"]]


class Valhalla:
    """The matrix service of Valhalla (valhalla.github.io, "Time-Distance Matrix")."""

    name = "valhalla"
    _COSTING: Mapping[Mode, str] = {"drive": "auto", "walk": "pedestrian"}

    def request(
        self, client: httpx.Client, base: str, origins: Sequence[Origin], lat: float, lon: float
    ) -> httpx.Request:
        return client.build_request(
            "POST",
            f"{base}/sources_to_targets",
            json={
                "sources": [{"lat": one.lat, "lon": one.lon} for one in origins],
                "targets": [{"lat": lat, "lon": lon}],
                "costing": self._COSTING[origins[0].mode],
            },
        )

    def read(self, document: Mapping[str, Any]) -> list[float | None]:
        return [row[0]["time"] for row in document["sources_to_targets"]]


class RoadService:
    """`core.ports.TravelTimes` by one of the dialects."""

    def __init__(self, url: str, dialect: Dialect, *, deadline_s: float = DEADLINE_S) -> None:
        self.name = dialect.name
        self._base = url.rstrip("/")
        self._dialect = dialect
        self._client = httpx.Client(timeout=deadline_s, mounts=_DIRECT)

    def close(self) -> None:
        self._client.close()

    def seconds(self, origins: Sequence[Origin], lat: float, lon: float) -> list[float | None]:
        found: list[float | None] = [None] * len(origins)
        for mode in {one.mode for one in origins}:
            places = [n for n, one in enumerate(origins) if one.mode == mode]
            times = self._ask([origins[n] for n in places], lat, lon)
            for n, time_s in zip(places, times, strict=True):
                found[n] = time_s
        return found

    def _ask(self, origins: Sequence[Origin], lat: float, lon: float) -> list[float | None]:
        request = self._dialect.request(self._client, self._base, origins, lat, lon)
        try:
            answer = self._client.send(request)
        except httpx.HTTPError as error:
            raise TemporaryError(f"{self.name}: {error or type(error).__name__}") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise TemporaryError(f"{self.name} answered {answer.status_code}")
        if answer.status_code != 200:
            raise PermanentError(f"{self.name} refused with {answer.status_code}")
        try:
            times = self._dialect.read(answer.json())
            checked = [None if one is None else _plausible(one) for one in times]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise PermanentError(f"{self.name} answered what is no matrix: {error!r}") from error
        if len(checked) != len(origins):
            raise PermanentError(f"{self.name} answered {len(checked)} of {len(origins)} times")
        return checked


def travel_times(url: str) -> TravelTimes:
    """Return the road service of a setting: `osrm+http://host:5000`, `valhalla+https://host`.

    Raises `ConfigurationError`.
    """
    parts = urlsplit(url)
    name, _, scheme = parts.scheme.partition("+")
    dialects: dict[str, Dialect] = {"osrm": Osrm(), "valhalla": Valhalla()}
    if name not in dialects or scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            f"DOORGUARD_ROAD_SERVICE {parts.scheme}://{parts.hostname}: osrm+http://host:port or "
            "valhalla+http://host:port is expected"
        )
    return RoadService(urlunsplit(parts._replace(scheme=scheme)), dialects[name])


def _plausible(time_s: Any) -> float:
    seconds = float(time_s)
    if not 0 <= seconds <= _LONGEST_S:
        raise ValueError(f"{seconds} s")
    return seconds
