"""The map of an incident: the home, and where those are who can come.

With a tile server in the settings its streets; without one a drawn schematic of Seoul's districts
that ships with the project (`static/seoul.geojson`), so that nothing is fetched from outside.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from nicegui import ui

from alerts.lifecycle import PageState
from alerts.ranking import Position, distance_m
from app.console.presenting import Templates
from app.console.surroundings import Choice, Opened
from core.settings import Settings

_ZOOM, _SCHEMATIC_ZOOM = 15, 13
_NAMED_DISTRICTS = 6
_RESPONDERS = 5


@cache
def schematic() -> dict[str, Any]:
    """Return the drawn districts, river and roads (GeoJSON); made by us, no survey."""
    file = resources.files("app.console").joinpath("static/seoul.geojson")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


class IncidentMap:
    """Built where the caller is building; afterwards only what has moved is moved."""

    def __init__(
        self, templates: Templates, settings: Settings, opened: Opened, home: Position
    ) -> None:
        t = self._t = templates.words
        self._people: dict[str, _Spot] = {}
        self._named: list[_Spot] = []
        ui.html(f"<h3>{t('detail.map')}</h3>", sanitize=True)
        self._map = ui.leaflet(
            center=(home.lat, home.lon), zoom=_ZOOM if settings.map_tiles else _SCHEMATIC_ZOOM
        ).classes("map")
        self._map.props(f'role="region" aria-label="{t("detail.map")}"')
        self._map.clear_layers()  # NiceGUI's own tiles would be fetched from outside
        self._map.on("init", self._name_all)
        if settings.map_tiles:
            self._map.tile_layer(
                url_template=settings.map_tiles,
                options={"attribution": settings.map_attribution, "maxZoom": 19},
            )
        else:
            _draw_schematic(self._map, light=templates.theme == "light")
            for (lat, lon), name in _places(home, t.language):
                place = _Spot(self._map, lat, lon, "transparent", name, radius=0, beside="center")
                self._named.append(place)
        self.show(opened)
        self._named.append(
            _Spot(
                self._map,
                home.lat,
                home.lon,
                "#e0301e",
                opened.card.household_name,
                radius=11,
                beside="left",
            )
        )

    def show(self, opened: Opened) -> None:
        """Move those who have moved, take off who is far, put on who has come near."""
        drawn = _drawn(opened)
        for gone in self._people.keys() - drawn.keys():
            self._people.pop(gone).remove()
        for name, one in drawn.items():
            if name in self._people:
                self._people[name].move(one.lat, one.lon)
                continue
            label = f"{one.name} · {self._t.of('responder', one.kind)}"
            self._people[name] = _Spot(self._map, one.lat, one.lon, "#2f8fe0", label)

    def _name_all(self) -> None:
        for spot in (*self._named, *self._people.values()):
            spot.name()


def _drawn(opened: Opened) -> dict[str, Choice]:
    """Return who comes, however far they are, and the nearest of the others."""
    coming = {
        page.responder_id
        for page in opened.card.pages
        if page.state in (PageState.ACCEPTED, PageState.ARRIVED)
    }
    near = opened.choices[:_RESPONDERS]
    return {
        one.responder_id: one for one in opened.choices if one.responder_id in coming or one in near
    }


def _draw_schematic(made: ui.leaflet, *, light: bool) -> None:
    line = "#7a879b" if light else "#5b6b83"
    made.generic_layer(
        name="geoJSON",
        args=[
            _part("district"),
            {"style": {"color": line, "weight": 2, "fillColor": line, "fillOpacity": 0.08}},
        ],
    )
    made.generic_layer(
        name="geoJSON", args=[_part("road"), {"style": {"color": line, "weight": 1.5}}]
    )
    made.generic_layer(
        name="geoJSON",
        args=[_part("river"), {"style": {"color": "#3f83c8", "weight": 16, "opacity": 0.55}}],
    )


def _places(home: Position, language: str) -> list[tuple[tuple[float, float], str]]:
    """Return where the districts next to the home are, and their names."""
    places = sorted(
        (one["properties"] for one in _part("district")["features"]),
        key=lambda found: distance_m(home, Position(*found["at"])),
    )
    return [((one["at"][0], one["at"][1]), one[language]) for one in places[:_NAMED_DISTRICTS]]


def _part(kind: str) -> dict[str, Any]:
    features = [one for one in schematic()["features"] if one["properties"]["kind"] == kind]
    return {"type": "FeatureCollection", "features": features}


class _Spot:
    """A named dot; the name is bound when the map is there, or at once."""

    def __init__(
        self,
        made: ui.leaflet,
        lat: float,
        lon: float,
        colour: str,
        name: str,
        *,
        radius: int = 8,
        beside: str = "right",
    ) -> None:
        style = {
            "radius": radius,
            "color": "#fff" if radius else "transparent",
            "weight": 2,
            "fillColor": colour,
            "fillOpacity": 1,
        }
        look = {"permanent": True, "direction": beside}
        self._label = (name, look if radius else {**look, "className": "place"})
        self._map = made
        self._layer = made.generic_layer(name="circleMarker", args=[[lat, lon], style])
        self.name()

    def name(self) -> None:
        self._layer.run_method("bindTooltip", *self._label)

    def move(self, lat: float, lon: float) -> None:
        if self._layer.args[0] != [lat, lon]:
            self._layer.args[0] = [lat, lon]  # for a map that is not there yet
            self._layer.run_method("setLatLng", [lat, lon])

    def remove(self) -> None:
        self._map.remove_layer(self._layer)
