"""How the two sides of a talk find each other: STUN, and TURN with a password that soon ends.

TURN credentials are those of coturn's `use-auth-secret` (draft-uberti-behave-turn-rest): the user
name is an end of validity and a name, the password its HMAC under a secret that only coturn and we
know. Nobody can use the relay who was not let into a talk within the hour.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

from core.settings import Settings

VALID = timedelta(hours=1)


def ice_servers(settings: Settings, user: str, now: datetime) -> list[dict[str, Any]]:
    """Return `RTCIceServer` dictionaries for one talk; none: both sides are in one network."""
    servers: list[dict[str, Any]] = []
    if settings.stun_urls:
        servers.append({"urls": _split(settings.stun_urls)})
    if settings.turn_urls and settings.turn_secret:
        name = f"{int((now + VALID).timestamp())}:{user}"
        digest = hmac.digest(settings.turn_secret.encode(), name.encode(), hashlib.sha1)
        servers.append(
            {
                "urls": _split(settings.turn_urls),
                "username": name,
                "credential": base64.b64encode(digest).decode(),
            }
        )
    return servers


def _split(urls: str) -> list[str]:
    return [url.strip() for url in urls.split(",") if url.strip()]
