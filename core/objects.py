"""The object store: a local folder by default, S3 and others by URL, through obstore."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from core.errors import NotFound, TemporaryError

_DELETED_AT_ONCE = 500


class Objects:
    """`ObjectStore` over obstore. `location` is a folder or a URL (`s3://bucket/prefix`)."""

    def __init__(self, location: str) -> None:
        if "://" in location and not location.startswith("file://"):
            self._store = from_url(location)
        else:
            folder = Path(location.removeprefix("file://"))
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._store = LocalStore(folder)

    def put(self, key: str, body: bytes) -> None:
        try:
            obstore.put(self._store, key, body)
        except (BaseError, OSError) as error:
            raise TemporaryError(f"object store: {error}", delay_s=5.0) from error

    def get(self, key: str) -> bytes:
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except FileNotFoundError:
            raise NotFound(f"no object {key}") from None
        except (BaseError, OSError) as error:
            raise TemporaryError(f"object store: {error}", delay_s=5.0) from error

    def expire(self, prefix: str, before: datetime) -> int:
        """Delete what lies below `prefix` and was written before; return how many. Raises
        `TemporaryError`; what was deleted until then stays deleted.
        """
        gone = 0
        try:
            for batch in obstore.list(self._store, prefix=prefix, chunk_size=_DELETED_AT_ONCE):
                old = [one["path"] for one in batch if one["last_modified"] < before]
                if old:
                    obstore.delete(self._store, old)
                    gone += len(old)
        except (BaseError, OSError) as error:
            raise TemporaryError(f"object store: {error}", delay_s=5.0) from error
        return gone


def sha256_hex(body: bytes) -> str:
    """Return the digest under which evidence is named and checked."""
    return hashlib.sha256(body).hexdigest()
