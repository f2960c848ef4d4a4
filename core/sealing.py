"""What processes keep of homes on disk is sealed: addresses and pictures are nobody's to read."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import PermanentError
from core.secrets import derive
from core.telemetry import logger

_T = TypeVar("_T")
_log = logger(__name__)
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


class SealedFile(Generic[_T]):
    """One thing on disk, sealed under `purpose`; replaced as a whole or not at all."""

    def __init__(self, path: Path, service_key: str, purpose: str, kind: type[_T]) -> None:
        self._path = path
        self._seal = Seal(service_key, purpose)
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(kind)

    def write(self, what: _T) -> None:
        """Keep it. Raises `OSError`."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".new")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(self._seal.close(self._encoder.encode(what)))
            file.flush()
            os.fsync(fd)
        fresh.replace(self._path)

    def read(self) -> _T | None:
        """Return what was kept, None where there is nothing that can be used."""
        try:
            return self._decoder.decode(self._seal.open(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (PermanentError, msgspec.MsgspecError, OSError) as error:
            _log.error("what was sealed cannot be used", file=str(self._path), error=str(error))
            return None
