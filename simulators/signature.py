"""The signed webhook as its receiver checks it.

`X-DoorGuard-Signature: t=<unix seconds>,v1=<hex hmac_sha256(secret, "<t>." + body)>`; a signature
older than 300 s is refused, so that a recorded page cannot be played again later.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import datetime

HEADER = "X-DoorGuard-Signature"
MAX_AGE_S = 300
_FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(secret: str, body: bytes, now: datetime) -> str:
    """Return the header's value for `body` at `now`."""
    t = int(now.timestamp())
    return f"t={t},v1={_digest(secret, t, body)}"


def fault(secret: str, body: bytes, header: str | None, now: datetime) -> str | None:
    """Return what is wrong with the signature, or None when it is good."""
    match = _FORM.fullmatch(header or "")
    if match is None:
        return "no signature" if not header else "not a signature"
    t = int(match.group(1))
    if not hmac.compare_digest(_digest(secret, t, body), match.group(2)):
        return "wrong signature"
    if abs(now.timestamp() - t) > MAX_AGE_S:
        return "signature too old"
    return None


def signed_key(body: bytes) -> str | None:
    """Return the key that the body carries: the header's own is not signed."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    key = found.get("key") if isinstance(found, dict) else None
    return key if isinstance(key, str) else None


def _digest(secret: str, t: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()
