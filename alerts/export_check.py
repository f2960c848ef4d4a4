"""Is an exported incident what the service signed? Needs the archive and the public key alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from alerts.audit import GENESIS, IncidentLine, chained
from alerts.export import FORMAT, LOG, MANIFEST, SIGNATURE
from alerts.lifecycle import Move, replay
from core.errors import IllegalMove, PermanentError

_AT_MOST_BYTES = 2 << 30  # unpacked; an archive may be anybody's


def read_public_key(text: str) -> Ed25519PublicKey:
    """Return the key that `doorguard audit public-key` printed; raise `PermanentError`."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.strip(), validate=True))
    except (ValueError, binascii.Error):
        raise PermanentError("this is no public key: base64 of 32 bytes is expected") from None


def check(archive: bytes, key: Ed25519PublicKey) -> tuple[dict[str, Any], list[str]]:
    """Return the manifest and what is wrong, a sentence each; none when all is as it was signed.

    Raises `PermanentError` for what is no such archive, and one that was not signed with this key:
    nothing in it can be believed then.
    """
    files = _unpacked(archive)
    signed = files.get(MANIFEST, b"")
    try:
        key.verify(base64.b64decode(files.get(SIGNATURE, b"")), signed)
    except (InvalidSignature, ValueError, binascii.Error):
        raise PermanentError(
            "the manifest is not signed with this key: it was changed, or another service made it"
        ) from None
    manifest: dict[str, Any] = json.loads(signed)
    if manifest.get("format") != FORMAT:
        raise PermanentError(f"format {manifest.get('format')!r}: this program reads {FORMAT}")
    content = {n: body for n, body in files.items() if n not in (MANIFEST, SIGNATURE)}
    problems = [*_files(manifest, content), *_evidence(manifest)]
    if not problems:
        problems = [*_log(manifest, content[LOG]), *_photos(manifest, content[LOG])]
    return manifest, problems


def _unpacked(archive: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            if sum(one.file_size for one in zipped.infolist()) > _AT_MOST_BYTES:
                raise PermanentError("the archive is larger than any export of ours")
            names = zipped.namelist()
            if len(set(names)) != len(names):
                raise PermanentError("a file stands in the archive twice")
            return {name: zipped.read(name) for name in names}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise PermanentError(f"this is no archive of an incident: {error}") from None


def _files(manifest: Mapping[str, Any], content: Mapping[str, bytes]) -> Iterator[str]:
    listed = manifest["files"]
    for name in sorted({*listed, *content, LOG}):
        if name not in content:
            yield f"{name}: it is missing"
        elif name not in listed:
            yield f"{name}: it is not in the manifest"
        elif hashlib.sha256(content[name]).hexdigest() != listed[name]["sha256"]:
            yield f"{name}: it was changed"


def _evidence(manifest: Mapping[str, Any]) -> Iterator[str]:
    for one in manifest["evidence"]:
        if one["file"] and not one["as_recorded"]:
            yield f"{one['file']}: the service had another picture than the detector recorded"
    for one in manifest.get("photos", ()):
        if one["file"] and not one["as_recorded"]:
            yield f"{one['file']}: the service had another picture than the responder sent"


def _log(manifest: Mapping[str, Any], log: bytes) -> Iterator[str]:
    digest, moves = GENESIS, []
    for expected, text in enumerate(log.decode().splitlines(), start=1):
        fields = json.loads(text)
        said = fields.pop("digest")
        line = IncidentLine(**{**fields, "at": datetime.fromisoformat(fields["at"])})
        digest = chained(digest, line)
        moves.append(line.move)
        if line.n != expected or digest.hex() != said:
            yield f"log, line {expected}: its digest does not fit"
            return
    if digest.hex() != manifest["log"]["digest"] or len(moves) != manifest["log"]["lines"]:
        yield "log: it does not end where the manifest says"
    try:
        replay(map(Move, moves))
    except (IllegalMove, ValueError) as error:
        yield f"log: {error}"


def _photos(manifest: Mapping[str, Any], log: bytes) -> Iterator[str]:
    """What responders photographed is what the log says, neither less nor more.

    An archive that was made before photos stood in one has no list of them.
    """
    if "photos" not in manifest:
        return
    listed = {(one["page_id"], one["sha256"]) for one in manifest["photos"]}
    logged = {
        (line["detail"]["page_id"], digest)
        for line in map(json.loads, log.decode().splitlines())
        if line["move"] == Move.FINDING
        for digest in filter(None, str(line["detail"].get("photos", "")).split(","))
    }
    for page_id, digest in sorted(logged - listed):
        yield f"page {page_id}: the photo {digest} of the log is not listed"
    for page_id, digest in sorted(listed - logged):
        yield f"page {page_id}: the photo {digest} is not in the log"
