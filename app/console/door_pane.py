"""The door pane: live view, talk, siren, as a piece of HTML for any page that loads `HEAD`.

`static/door.js` brings every such piece to life, also one that is put into an open page. Keys,
where nothing is being typed: V look, M a minute more, P picture, T talk and hang up, W warning,
S siren.
"""

from __future__ import annotations

from collections.abc import Collection

from app.console.presenting import Templates

HEAD = (
    '<link rel="stylesheet" href="/console/static/door.css">'
    '<script type="module" src="/console/static/door.js"></script>'
)
OPERATORS = frozenset({"live", "talk", "light", "warn", "siren"})


def door(
    templates: Templates,
    household_id: str,
    device_id: str,
    hands: Collection[str] = OPERATORS,
    *,
    asks: bool = False,
) -> str:
    """Return the HTML of the door at one camera, escaped.

    `hands` is what may be done there: `live`, `talk`, `light`, `warn`, `siren`. `asks` adds a field
    for the reason of whoever looks without an open incident.
    """
    return templates.render(
        "door.html",
        home=household_id,
        device=device_id,
        hands=hands,
        asks=asks,
        words=templates.words.group("door."),
    )
