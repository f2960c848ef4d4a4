"""One incident as an archive that proves itself: log, pages, evidence, a signed list of digests.

A ZIP file: `manifest.json` names every other file with its SHA-256 and says who exported what and
when; `manifest.sig` is the Ed25519 signature (base64) of the manifest's bytes. The log is there as
the lines of `alerts.audit`, so that its chain can be followed without us. `alerts.export_check`
checks an archive on a machine that knows nothing of ours but the public key.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from alerts.audit import record_access
from alerts.audit_seals import last_head
from alerts.evidence import EvidenceLine, evidence_in
from core import sql
from core.database import Connection
from core.errors import NotFound
from core.secrets import derive

FORMAT = "doorguard-incident/1"
MANIFEST, SIGNATURE, LOG = "manifest.json", "manifest.sig", "log.jsonl"
_README = """\
One incident of Door Guard, as it was exported.

manifest.json   every file here with its SHA-256, who exported it, when
manifest.sig    Ed25519 signature of manifest.json (base64)
log.jsonl       the incident's log; digest(n) = SHA-256(digest(n-1) + the line without its digest),
                canonical JSON (keys sorted, no spaces, UTF-8), from 32 zero bytes
incident.json, events.json, pages.json, findings.json (what responders found), deliveries.json,
notices.json (what the home was told)
evidence/       pictures of the home's cameras, with what was masked black
photos/         what responders photographed; the log's line of each finding names their digests

Check it with the service's public key (`doorguard audit public-key` prints it there):
doorguard audit verify-export FILE --key KEY
"""
_QUERIES = sql.load("alerts", "export.sql")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was read of an incident in one transaction; the pictures are still to be fetched."""

    incident_id: int
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    evidence: Sequence[EvidenceLine]
    photos: Sequence[Mapping[str, Any]]  # `key sha256 captured_at page_id responder`


def signing_key(secret: str) -> Ed25519PrivateKey:
    """Return the key that signs exports, made of a secret of the service."""
    seed = base64.urlsafe_b64decode(derive(secret, "incident export") + "=")
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key(key: Ed25519PrivateKey) -> str:
    """Return what others check exports with, base64 of its 32 bytes."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def read(conn: Connection, incident_id: int, *, actor: str, now: datetime) -> Exported:
    """Read the whole incident; the look stands in the access log with it. Raises `NotFound`."""
    given = {"incident_id": incident_id}
    row = conn.execute(_QUERIES["incident"], given).fetchone()
    if row is None:
        raise NotFound(f"no incident {incident_id}", "incident.unknown")
    lines = [
        {**line, "digest": bytes(line["digest"]).hex()}
        for line in conn.execute(_QUERIES["lines"], given).fetchall()
    ]
    events = conn.execute(_QUERIES["events"], given).fetchall()
    pages = conn.execute(_QUERIES["pages"], given).fetchall()
    findings = conn.execute(_QUERIES["findings"], given).fetchall()
    photos = conn.execute(_QUERIES["photos"], given).fetchall()
    deliveries = conn.execute(_QUERIES["deliveries"], given).fetchall()
    notices = conn.execute(_QUERIES["notices"], given).fetchall()
    seal = last_head(conn)
    record_access(
        conn,
        actor=actor,
        action="incident.export",
        household_id=row["household_id"],
        now=now,
        detail={"incident_id": incident_id},
    )
    return Exported(
        incident_id,
        {
            "format": FORMAT,
            "incident_id": incident_id,
            "exported_by": actor,
            "exported_at": _plain(now),
            "log": {"lines": len(lines), "digest": lines[-1]["digest"] if lines else ""},
            "seal": str(seal) if seal else None,
        },
        {
            "README.txt": _README.encode(),
            "incident.json": _json(row),
            LOG: b"".join(_json(line) + b"\n" for line in lines),
            "events.json": _json(events),
            "pages.json": _json(pages),
            "findings.json": _json(findings),
            "deliveries.json": _json(deliveries),
            "notices.json": _json(notices),
        },
        tuple({line.key: line for event in events for line in evidence_in(event["data"])}.values()),
        photos,
    )


def archive(exported: Exported, fetch: Callable[[str], bytes], key: Ed25519PrivateKey) -> bytes:
    """Return the ZIP file. `fetch` gets a picture by its key and raises `NotFound`.

    A picture that is gone (retention), or is not what was written down of it, is named so.
    """
    files = dict(exported.files)
    evidence = [
        {"key": line.key, "sha256": line.sha256, "captured_at": _plain(line.captured_at)}
        for line in exported.evidence
    ]
    photos = [{**one, "captured_at": _plain(one["captured_at"])} for one in exported.photos]
    pictures = {
        "evidence": _fetched("evidence", evidence, fetch, files),
        "photos": _fetched("photos", photos, fetch, files),
    }
    listed = {
        name: {"sha256": _sha256(body), "size_bytes": len(body)} for name, body in files.items()
    }
    manifest = _json({**exported.manifest, **pictures, "files": listed})
    files = {
        MANIFEST: manifest,
        SIGNATURE: base64.b64encode(key.sign(manifest)) + b"\n",
        **files,
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as into:
        for name, body in files.items():
            into.writestr(zipfile.ZipInfo(name), body)
    return made.getvalue()


def _fetched(
    folder: str,
    wanted: Iterable[Mapping[str, Any]],
    fetch: Callable[[str], bytes],
    files: dict[str, bytes],
) -> list[dict[str, Any]]:
    """Put the pictures into `files`; return what the manifest says of each."""
    told: list[dict[str, Any]] = []
    for n, one in enumerate(wanted, start=1):
        try:
            body = fetch(one["key"])
        except NotFound:
            told.append({**one, "file": None, "why": "not kept any more"})
            continue
        name = f"{folder}/{n:03d}-{one['key'].rsplit('/', 1)[-1]}"
        files[name] = body
        told.append({**one, "file": name, "as_recorded": _sha256(body) == one["sha256"]})
    return told


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _json(value: Any) -> bytes:
    """Return canonical JSON, as the log's digests are taken of."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    )
    return text.encode()


def _plain(value: datetime | date | time) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.isoformat()
