"""An exported incident proves itself on another machine, and shows any change."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable

import pytest

from alerts import export
from alerts.export_check import check, read_public_key
from alerts.finding import Found, Photo, finish
from core.errors import NotFound, PermanentError
from tests.integration.alerts.story import Story

pytestmark = pytest.mark.integration
KEY = export.signing_key("k" * 32)
PUBLIC = read_public_key(export.public_key(KEY))
PICTURE = b"\xff\xd8 a door \xff\xd9"
DIGEST = hashlib.sha256(PICTURE).hexdigest()
PHOTO = b"\xff\xd8 a hall \xff\xd9"
PHOTO_DIGEST = hashlib.sha256(PHOTO).hexdigest()


def finding(*pictures: tuple[str, str]) -> bytes:
    listed = [
        {"key": key, "sha256": digest, "size_bytes": 1, "captured_at": "2026-11-22T03:00:00Z"}
        for key, digest in pictures
    ]
    return json.dumps({"evidence": listed}).encode()


def kept(key: str) -> bytes:
    return PHOTO if "/responders/" in key else PICTURE


def exported(story: Story, fetch: Callable[[str], bytes] = kept) -> bytes:
    with story.database.transaction() as conn:
        now = story.clock.now()
        found = export.read(conn, story.incident, actor="lee", now=now)
    return export.archive(found, fetch, KEY)


@pytest.fixture
def told(story: Story) -> Story:
    story.responder("first")
    data = finding(("home-1/a.jpg", DIGEST))
    story.happens(story.event("loiter.started", "camera-1", data=data))
    story.wait(20)
    story.happens("door.forced")
    story.accept("first")
    photo = Photo("evidence/responders/1/b.jpg", PHOTO_DIGEST, len(PHOTO))
    with story.database.transaction() as conn:
        found = Found("false_alarm", "the neighbour's key", (photo,))
        finish(conn, story.page_of("first"), found, now=story.clock.now())
    story.close()
    return story


def test_everything_is_in_it_and_it_checks(told: Story) -> None:
    archive = exported(told)
    manifest, problems = check(archive, PUBLIC)
    assert problems == []
    assert (manifest["incident_id"], manifest["exported_by"]) == (told.incident, "lee")
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert files.read("evidence/001-a.jpg") == PICTURE
        log = [json.loads(line) for line in files.read("log.jsonl").splitlines()]
        incident, pages = (json.loads(files.read(f"{n}.json")) for n in ("incident", "pages"))
        deliveries = json.loads(files.read("deliveries.json"))
        events = json.loads(files.read("events.json"))
        findings = json.loads(files.read("findings.json"))
        assert files.read("photos/001-b.jpg") == PHOTO
    assert [line["move"] for line in log] == told.moves()
    assert (incident["kind"], incident["address"]) == ("intrusion", "Jongno 1")
    assert (pages[0]["responder_name"], deliveries[0]["state"]) == ("First", "answered")
    assert (findings[0]["finding"], findings[0]["responder"]) == ("false_alarm", "first")
    (photo,) = manifest["photos"]
    assert (photo["sha256"], photo["responder"]) == (PHOTO_DIGEST, "first")
    assert [event["type"] for event in events] == ["loiter.started", "door.forced"]


def test_the_export_is_a_look_into_the_home(told: Story) -> None:
    exported(told)
    (look,) = told.table("SELECT actor, action, household_id, detail FROM access_log")
    assert look == {
        "actor": "lee",
        "action": "incident.export",
        "household_id": "home-1",
        "detail": {"incident_id": told.incident},
    }


def test_a_picture_that_is_gone_or_another_is_named(told: Story) -> None:
    def gone(_key: str) -> bytes:
        raise NotFound("no object")

    manifest, problems = check(exported(told, gone), PUBLIC)
    assert problems == []
    gone_now = [*manifest["evidence"], *manifest["photos"]]
    assert [one["why"] for one in gone_now] == ["not kept any more"] * 2
    _, problems = check(exported(told, lambda _key: b"another"), PUBLIC)
    assert problems == [
        "evidence/001-a.jpg: the service had another picture than the detector recorded",
        "photos/001-b.jpg: the service had another picture than the responder sent",
    ]


def test_a_photo_that_was_put_in_or_taken_out_of_the_database_is_named(told: Story) -> None:
    with told.database.transaction() as conn:
        conn.execute("UPDATE page_photos SET sha256 = %s", (DIGEST,))
    _, problems = check(exported(told, lambda _key: PICTURE), PUBLIC)
    page_id = told.page_of("first")
    assert problems == [
        f"page {page_id}: the photo {PHOTO_DIGEST} of the log is not listed",
        f"page {page_id}: the photo {DIGEST} is not in the log",
    ]


def repacked(archive: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        content = {name: files.read(name) for name in files.namelist()}
    change(content)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as into:
        for name, body in content.items():
            into.writestr(name, body)
    return made.getvalue()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda c: c.update({"pages.json": b"[]"}), "pages.json: it was changed"),
        (lambda c: c.pop("log.jsonl"), "log.jsonl: it is missing"),
        (lambda c: c.pop("photos/001-b.jpg"), "photos/001-b.jpg: it is missing"),
        (lambda c: c.update({"photos/001-b.jpg": b"x"}), "photos/001-b.jpg: it was changed"),
        (lambda c: c.update({"more.txt": b""}), "more.txt: it is not in the manifest"),
    ],
)
def test_a_change_is_named(told: Story, change: Callable[..., object], problem: str) -> None:
    _, problems = check(repacked(exported(told), change), PUBLIC)
    assert problems == [problem]


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update({"manifest.json": c["manifest.json"].replace(b'"lee"', b'"kim"')}),
        lambda c: c.update({"manifest.sig": b"AAAA"}),
        lambda c: c.update({"manifest.sig": b"\xff"}),
        lambda c: c.pop("manifest.sig"),
        lambda c: c.clear(),
    ],
)
def test_without_a_good_signature_nothing_is_believed(
    told: Story, change: Callable[..., object]
) -> None:
    with pytest.raises(PermanentError, match="not signed with this key"):
        check(repacked(exported(told), change), PUBLIC)


def test_another_services_key_is_no_key(told: Story) -> None:
    other = read_public_key(export.public_key(export.signing_key("x" * 32)))
    with pytest.raises(PermanentError, match="not signed with this key"):
        check(exported(told), other)


@pytest.mark.parametrize("bytes_", [b"", b"PK\x03\x04 garbage", b"{}"])
def test_what_is_no_archive_is_refused(bytes_: bytes) -> None:
    with pytest.raises(PermanentError, match="no archive of an incident"):
        check(bytes_, PUBLIC)


@pytest.mark.parametrize("text", ["", "AAAA", "ä", "-----BEGIN"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(PermanentError, match="no public key"):
        read_public_key(text)


def test_a_log_that_was_cut_before_the_export_does_not_check(told: Story) -> None:
    with told.database.transaction() as conn:
        conn.execute("ALTER TABLE incident_log DISABLE TRIGGER USER")
        conn.execute("DELETE FROM incident_log WHERE n = 2")
    _, problems = check(exported(told), PUBLIC)
    assert problems[0] == "log, line 2: its digest does not fit"


def test_an_incident_that_is_not_there(story: Story) -> None:
    with pytest.raises(NotFound), story.database.transaction() as conn:
        export.read(conn, 99, actor="lee", now=story.clock.now())
