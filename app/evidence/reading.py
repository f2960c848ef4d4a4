"""A case read from the object store, every byte of it checked."""

from __future__ import annotations

from core.errors import NotFound, PermanentError
from core.evidence import Manifest, Picture, manifest_key, unseal
from core.objects import sha256_hex
from core.ports import ObjectStore
from core.telemetry import logger

_log = logger(__name__)


def read_manifest(objects: ObjectStore, device: str, case: str, service_key: str) -> Manifest:
    """Return the case's manifest; raise `NotFound` while it is not written or when its time is
    over, `PermanentError` when it is not what was stored.
    """
    key = manifest_key(device, case)
    manifest = unseal(objects.get(key), service_key)
    if (manifest.device, manifest.case) != (device, case):
        _log.error("a manifest lies in another's place", key=key)
        raise PermanentError("the manifest belongs to another case; it is not shown")
    return manifest


def picture_of(manifest: Manifest, sha256: str) -> Picture:
    """Return the picture with that digest; raise `NotFound`."""
    for picture in manifest.pictures:
        if picture.sha256 == sha256:
            return picture
    raise NotFound("no such picture in this case")


def read_picture(objects: ObjectStore, key: str, sha256: str) -> bytes:
    """Return the stored JPEG; raise `NotFound`, or `PermanentError` when it is not what it was."""
    body = objects.get(key)
    if sha256_hex(body) != sha256:
        _log.error("evidence differs from its digest", key=key, sha256=sha256)
        raise PermanentError("the stored picture differs from its digest; it is not shown")
    return body
