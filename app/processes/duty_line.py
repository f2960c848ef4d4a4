"""The watchman's own line to the duty engineer: neither broker nor database, nor the pagers' code.

`DOORGUARD_WATCHMAN_URL` (or a file of secrets) names it: http:// or https:// is a webhook, signed
when there is a `DOORGUARD_WATCHMAN_SECRET`; anything else is a URL of Apprise, so SMS, voice, mail.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

import httpx

from core.clock import Clock
from core.errors import ConfigurationError, TemporaryError
from core.settings import secret

_TIMEOUT_S = 10.0


class DutyLine:
    """Sends a title and a text. Raises `ConfigurationError` for an address nobody can read."""

    def __init__(self, clock: Clock, url: str | None, key: str | None) -> None:
        self._clock = clock
        self._url = url
        self._key = key

    @property
    def there(self) -> bool:
        """Whether there is a line at all."""
        return self._url is not None

    def send(self, title: str, text: str, facts: Mapping[str, object]) -> None:
        """Return when the other side has taken it. Raises `TemporaryError`."""
        if self._url is None:
            raise ConfigurationError("DOORGUARD_WATCHMAN_URL is not set: nobody can be told")
        if self._url.startswith(("http://", "https://")):
            self._post(self._url, {"title": title, "text": text, **facts})
        else:
            _notify(self._url, title, text)

    def _post(self, url: str, document: Mapping[str, object]) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        if self._key:
            t = int(self._clock.now().timestamp())
            mac = hmac.new(self._key.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()
            headers["X-DoorGuard-Signature"] = f"t={t},v1={mac}"
        try:
            answer = httpx.post(url, content=body, headers=headers, timeout=_TIMEOUT_S)
        except httpx.HTTPError as error:
            raise TemporaryError(f"the duty line: {error or type(error).__name__}") from error
        if not answer.is_success:
            raise TemporaryError(f"the duty line answered {answer.status_code}")


def duty_line(clock: Clock) -> DutyLine:
    """Return the line that the environment names."""
    return DutyLine(clock, secret("WATCHMAN_URL") or None, secret("WATCHMAN_SECRET") or None)


def _notify(url: str, title: str, text: str) -> None:
    import apprise  # noqa: PLC0415 - 30 MB that only some lines need

    sender = apprise.Apprise()
    if not sender.add(url):
        raise ConfigurationError("DOORGUARD_WATCHMAN_URL: Apprise cannot read it")
    if not sender.notify(title=title, body=text):
        raise TemporaryError("the duty line: the service did not take the message")
