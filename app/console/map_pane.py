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

from alerts.ranking import Position, distance_m
from app.console.presenting import Templates
from app.console.surroundings import Opened
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


def draw_map(templates: Templates, settings: Settings, opened: Opened) -> None:
    """Draw it where the caller is building; nothing for a home without a position."""
    t, home = templates.words, opened.home
    if home is None:
        return
    light = templates.theme == "light"
    ui.html(f"<h3>{t('detail.map')}</h3>", sanitize=True)
    made = ui.leaflet(
        center=(home.lat, home.lon), zoom=_ZOOM if settings.map_tiles else _SCHEMATIC_ZOOM
    ).classes("map")
    made.props(f'role="region" aria-label="{t("detail.map")}"')
    made.clear_layers()  # NiceGUI's own tiles would be fetched from outside
    if settings.map_tiles:
        made.tile_layer(
            url_template=settings.map_tiles,
            options={"attribution": settings.map_attribution, "maxZoom": 19},
        )
    else:
        _draw_schematic(made, home, templates, light=light)
    for one in opened.choices[:_RESPONDERS]:
        _spot(made, one.lat, one.lon, "#2f8fe0", f"{one.name} · {t.of('responder', one.kind)}")
    _spot(
        made,
        home.lat,
        home.lon,
        "#e0301e",
        opened.card.household_name,
        radius=11,
        beside="left",
    )


def _draw_schematic(made: ui.leaflet, home: Position, templates: Templates, *, light: bool) -> None:
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
    language = templates.words.language
    places = sorted(
        (
            (distance_m(home, Position(*one["properties"]["at"])), one["properties"])
            for one in _part("district")["features"]
        ),
        key=lambda found: found[0],
    )
    for _far, place in places[:_NAMED_DISTRICTS]:
        lat, lon = place["at"]
        _spot(made, lat, lon, "transparent", place[language], radius=0, beside="center")


def _part(kind: str) -> dict[str, Any]:
    features = [one for one in schematic()["features"] if one["properties"]["kind"] == kind]
    return {"type": "FeatureCollection", "features": features}


def _spot(
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
    spot = made.generic_layer(name="circleMarker", args=[[lat, lon], style])

    def label(_: object) -> None:
        look = {"permanent": True, "direction": beside}
        spot.run_method("bindTooltip", name, look if radius else {**look, "className": "place"})

    made.on("init", label)
