"""Response headers that keep pages in their frame and their secrets in the address bar."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# `unsafe-*`: NiceGUI's client and the API's documentation run inline scripts and compile
# templates. Nothing may be fetched from elsewhere, and nobody may frame us.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:{tiles}; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # a page's link is a secret
    "Cache-Control": "no-store",  # unless the route says otherwise
}


class SecurityHeaders:
    """Adds the headers that a response does not set itself."""

    def __init__(self, app: ASGIApp, map_tiles: str = "") -> None:
        self._app = app
        tiles = f" {_origin(map_tiles)}" if map_tiles else ""
        self._headers = _HEADERS | {"Content-Security-Policy": _POLICY.format(tiles=tiles)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; complete the head of each HTTP response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _origin(url: str) -> str:
    """Return scheme and host of a template of tiles; `{s}.` stands for any host below."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].replace('{s}', '*')}"
