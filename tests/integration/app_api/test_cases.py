"""Cases over the API and on the command line: who may see them, and that they are whole."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli.main import cli
from app.evidence.retention import EvidenceRetention
from core.errors import PermanentError
from core.evidence import Manifest, Picture, Place, TrackBox, manifest_key, picture_key, seal
from core.objects import Objects, sha256_hex
from tests.conftest import ManualClock

from .conftest import KEY, NOW

pytestmark = pytest.mark.integration

CAMERA = "camera-1"
CASE = f"{int(NOW.timestamp())}000000-3"
PATH = f"/v1/households/own/cases/{CAMERA}/{CASE}"


def _jpeg(shade: int) -> bytes:
    picture = np.full((360, 640, 3), shade, np.uint8)
    return bytes(cv2.imencode(".jpg", picture)[1])


@pytest.fixture
def stored(api, put_event) -> Manifest:
    pictures = []
    for number in range(6):
        body = _jpeg(60 + 20 * number)
        key = picture_key(CAMERA, sha256_hex(body))
        api.desk.objects.put(key, body)
        at = NOW + timedelta(seconds=0.2 * number + (30 if number > 2 else 0))
        box = [TrackBox(3, 0.4, 0.2, 0.2, 0.7)]
        pictures.append(
            Picture(
                key, sha256_hex(body), len(body), at, infrared=False, moments=["alarm"], boxes=box
            )
        )
    manifest = Manifest(
        version=1,
        device=CAMERA,
        case=CASE,
        event="loiter.started",
        at=NOW,
        since=NOW,
        track=3,
        threshold_s=10.0,
        zone="door",
        complete=True,
        masked=False,
        missing=0,
        pictures=pictures,
        path=[Place(NOW, 0.4, 0.2, 0.2, 0.7)],
    )
    api.desk.objects.put(manifest_key(CAMERA, CASE), seal(manifest, KEY))
    put_event(
        "own",
        NOW,
        1,
        device=CAMERA,
        event_type="loiter.started",
        source="detector",
        data=json.dumps({"case": CASE, "zone": "door"}),
    )
    return manifest


def test_a_case_its_pictures_and_its_film(api, stored: Manifest, tmp_path: Path) -> None:
    answer = api.get(PATH)
    assert answer.status_code == 200
    assert [one["sha256"] for one in answer.json()["pictures"]] == [
        one.sha256 for one in stored.pictures
    ]
    one = stored.pictures[2]
    original = api.get(f"{PATH}/pictures/{one.sha256}")
    assert sha256_hex(original.content) == one.sha256
    drawn = api.get(f"{PATH}/pictures/{one.sha256}", annotated=True)
    image = cv2.imdecode(np.frombuffer(drawn.content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (360, 640, 3)
    assert image[200, 256, 2] > image[200, 256, 0] + 60  # the box's left side, red
    film = api.get(f"{PATH}/film.mp4")
    assert film.headers["content-type"] == "video/mp4"
    (tmp_path / "film.mp4").write_bytes(film.content)
    video = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    shades = []
    while (read := video.read())[0]:
        shades.append(float(read[1][20, 20].mean()))
    assert len(shades) == 10  # 0.4 s, a pause cut to 1 s, 0.4 s, the last picture
    assert shades[0] == pytest.approx(60, abs=6)
    assert shades[-1] == pytest.approx(160, abs=6)


@pytest.mark.parametrize("rest", ["", "/film.mp4"])
@pytest.mark.parametrize(
    ("role", "home", "incident", "status"),
    [
        ("resident", "own", False, 200),
        ("resident", "other", False, 404),
        ("operator", "own", False, 403),
        ("operator", "own", True, 200),
        ("operator", "other", True, 404),
        ("administrator", "own", True, 403),
    ],
)
def test_who_may_see_it(
    api, conn, open_incident, stored, rest, role, home, incident, status
) -> None:
    if incident:
        open_incident(home)
    answer = api.get(PATH.replace("/own/", f"/{home}/") + rest, role)
    assert answer.status_code == status
    looks = conn.execute(
        "SELECT actor, action, household_id FROM access_log WHERE action <> 'refused'"
    ).fetchall()
    assert [look["action"] for look in looks] == (["evidence"] if status == 200 else [])


def test_what_was_changed_is_not_shown(api, stored: Manifest) -> None:
    one = stored.pictures[0]
    api.desk.objects.put(one.key, _jpeg(255))
    answer = api.get(f"{PATH}/pictures/{one.sha256}")
    assert (answer.status_code, "digest" in answer.json()["detail"]) == (400, True)
    assert api.get(f"{PATH}/film.mp4").status_code == 400
    api.desk.objects.put(manifest_key(CAMERA, CASE), seal(stored, "x" * 32))
    assert "differs from what was stored" in api.get(PATH).json()["detail"]


def test_a_manifest_in_anothers_place_is_not_shown(api, stored, put_event) -> None:
    other = CASE.replace("-3", "-4")
    put_event(
        "own",
        NOW,
        2,
        device=CAMERA,
        event_type="loiter.started",
        source="detector",
        data=json.dumps({"case": other}),
    )
    path = PATH.replace(CASE, other)
    assert api.get(path).status_code == 404  # not written yet
    api.desk.objects.put(manifest_key(CAMERA, other), seal(stored, KEY))
    assert "another case" in api.get(path).json()["detail"]


@pytest.mark.parametrize("case", ["1", "..", "1-1%2f..", "x-1"])
def test_what_is_no_case_is_refused(api, case: str) -> None:
    assert api.get(f"/v1/households/own/cases/{CAMERA}/{case}").status_code in {404, 422}


def test_an_export_is_whole_and_logged(api, conn, stored, tmp_path, monkeypatch) -> None:
    settings = api.desk.settings
    for name in ("database", "broker", "service_key", "objects", "public_url", "state_folder"):
        monkeypatch.setenv(f"DOORGUARD_{name.upper()}", str(getattr(settings, name)))
    listed = CliRunner().invoke(cli, ["evidence", "list", "--household", "own", "--days", "400"])
    assert CASE in listed.stdout
    out = tmp_path / "for-the-police"
    arguments = ["evidence", "export", CASE, "--household", "own", "--out", str(out), "--json"]
    answer = json.loads(CliRunner().invoke(cli, arguments).stdout)
    assert answer["pictures"] == 6
    digests = {sha256_hex(file.read_bytes()) for file in (out / "originals").iterdir()}
    assert digests == {one.sha256 for one in stored.pictures}
    assert len(list((out / "drawn").iterdir())) == 6
    assert json.loads((out / "manifest.json").read_text())["case"] == CASE
    assert (out / "film.mp4").stat().st_size > 1000
    assert out.stat().st_mode & 0o777 == 0o700
    rows = conn.execute("SELECT actor, detail FROM access_log ORDER BY n").fetchall()
    assert [row["detail"]["reason"] for row in rows] == ["list", f"export {CASE}"]
    assert rows[0]["actor"].startswith("cli:")
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code == 1


def test_evidence_past_its_time_goes(tmp_path: Path, clock: ManualClock) -> None:
    objects = Objects(str(tmp_path))
    objects.put("evidence/camera-1/a.jpg", b"1")
    objects.put("elsewhere/a", b"1")
    written = (tmp_path / "evidence/camera-1/a.jpg").stat().st_mtime
    clock.advance(written - clock.now().timestamp() + 29 * 86_400)
    retention = EvidenceRetention(objects, clock, keep_d=30)
    assert retention.expire() == 0
    clock.advance(2 * 86_400)
    assert retention.expire() == 1
    assert objects.get("elsewhere/a") == b"1"
    with pytest.raises(PermanentError):
        objects.get("evidence/camera-1/a.jpg")
