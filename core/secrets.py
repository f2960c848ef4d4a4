"""Secrets made and derived: one service key, from which each role's password follows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


def new_secret() -> str:
    """Return 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def derive(service_key: str, purpose: str, *, n_bytes: int = 32) -> str:
    """Return the secret that belongs to `purpose`: HMAC-SHA-256 under the service key, URL-safe."""
    digest = hmac.digest(service_key.encode(), purpose.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:n_bytes]).rstrip(b"=").decode()


def same(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
