"""What processes keep of homes on disk is sealed: addresses and pictures are nobody's to read."""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import PermanentError
from core.secrets import derive

_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: 96 bits


class Seal:
    """AES-256-GCM under a key derived from the service key for one purpose.

    A nonce is drawn at random for each message: with fewer than 2^32 under one key a repetition
    is as improbable as the standard asks (SP 800-38D, 8.3).
    """

    def __init__(self, service_key: str, purpose: str) -> None:
        key = base64.urlsafe_b64decode(derive(service_key, purpose) + "=")
        self._cipher = AESGCM(key)
        self._purpose = purpose.encode()

    def close(self, plain: bytes) -> bytes:
        """Return the sealed bytes: nonce, ciphertext, tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, self._purpose)

    def open(self, sealed: bytes) -> bytes:
        """Return what was sealed; raise `PermanentError` for bytes of anybody else's."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._purpose)
        except (InvalidTag, ValueError):
            raise PermanentError("sealed under another service key, or damaged on disk") from None
