"""Pages as signed webhooks.

`X-DoorGuard-Signature: t=<unix seconds>,v1=<hex HMAC-SHA-256(secret, "<t>." + body)>`; the time
lets a receiver refuse a recorded page that is played again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime

import httpx

from alerts.links import through
from alerts.paging.document import document
from core.clock import Clock
from core.errors import PermanentError, TemporaryError
from core.model import Page

TIMEOUT_S = 5.0
_TRY_AGAIN = frozenset({408, 425, 429})
# Whatever proxy the environment names, this machine's own receivers are reached directly.
_DIRECT: dict[str, None] = {"all://127.0.0.1": None, "all://localhost": None, "all://[::1]": None}


class WebhookChannel:
    """POSTs the page as JSON: 2xx taken; 4xx except 408, 425, 429 permanent; else temporary."""

    name = "webhook"

    def __init__(self, clock: Clock, *, timeout_s: float = TIMEOUT_S) -> None:
        self._clock = clock
        self._client = httpx.Client(timeout=timeout_s, mounts=_DIRECT)

    def close(self) -> None:
        self._client.close()

    def send(self, page: Page, address: str, secret: str) -> None:
        """Raise `TemporaryError` or `PermanentError` unless the receiver took it."""
        body = encode(through(page, self.name))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": page.idempotency_key,
            "X-DoorGuard-Signature": signature(secret, body, self._clock.now()),
        }
        try:
            # The answer's body is of no interest, and may be endless.
            with self._client.stream("POST", address, content=body, headers=headers) as response:
                status = response.status_code
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise PermanentError(f"webhook address: {error}") from error
        except httpx.HTTPError as error:
            raise TemporaryError(f"webhook: {error or type(error).__name__}") from error
        if 200 <= status < 300:
            return
        if 400 <= status < 500 and status not in _TRY_AGAIN:
            raise PermanentError(f"webhook refused with {status}")
        raise TemporaryError(f"webhook answered {status}")


def signature(secret: str, body: bytes, now: datetime) -> str:
    """Return the value of `X-DoorGuard-Signature`."""
    t = int(now.timestamp())
    digest = hmac.new(secret.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={t},v1={digest}"


def encode(page: Page) -> bytes:
    """Return the JSON body; the same page gives the same bytes."""
    signed = {"key": page.idempotency_key, **document(page)}  # in the header it is not signed
    return json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()
