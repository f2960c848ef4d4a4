"""The judge over the real detector: clips with a truth file, rendered scenes, the command line."""

from __future__ import annotations

import json
from itertools import islice

import cv2
import pytest
from typer.testing import CliRunner

from app.bench import detect, detect_clips, detect_scenes, detect_speed
from app.bench.detect_run import numbered, run
from app.cli.bench_detect import seeds_of
from app.cli.main import cli
from core.errors import ConfigurationError
from simulators.delivery import Delivery
from simulators.rendered import RenderedScene
from simulators.source import encode_jpeg
from tests.integration.detectors.films import FPS, FRAMES

VISITOR_SEED = 2  # a scene with a visitor who stays


def test_a_visitor_on_film_is_found_where_and_when_they_are(film):
    clips = detect_clips.read_truth(film / "truth.json")
    row, score, heard = detect_clips.judged(film / "door.avi", clips["door.avi"])
    assert (row["loiter_true"], row["loiter_found"], row["loiter_false"]) == (1, 1, 0)
    assert -1.0 <= row["delay_s"] <= 1.0
    assert row["recall"] > 0.9
    assert len(heard.looks) == 5 * (40 + FRAMES // FPS)
    assert score.f1 == 1.0


def test_a_truth_that_is_wrong_is_not_met(film, tmp_path):
    """The same film under a truth that places the person elsewhere finds nobody."""
    clip = json.loads((film / "truth.json").read_text())
    clip["door.avi"]["still_box_xywh_median"] = [[10, 10, 40, 120]]
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps(clip))
    clips = detect_clips.read_truth(elsewhere)
    row, _, _ = detect_clips.judged(film / "door.avi", clips["door.avi"])
    assert (row["loiter_found"], row["loiter_false"]) == (0, 1)


def test_the_command_prints_the_keys_that_checks_read(film):
    asked = ["bench", "detect", "--footage", str(film), "--scenes", "3", "--json"]
    ended = CliRunner().invoke(cli, asked)
    assert ended.exit_code == 0, ended.output
    found = json.loads(ended.stdout.splitlines()[-1])
    clip = found["clips"]["door.avi"]
    keys = ["precision", "recall", "fpr", "loiter_true", "loiter_found", "loiter_false", "delay_s"]
    assert set(keys) <= set(clip)
    keys = ["f1", "false_per_camera_day", "health_true", "health_found", "health_false"]
    assert set(keys) <= set(found["scenes"])
    assert found["perturbations"] is None
    for key in ("decode_detect_ms", "ratio_mog2"):
        assert set(found[key]) == {"empty", "person"}
    assert found["mog2_ms"] > 0
    assert found["cameras_per_core"] >= 1
    assert "decode" in found["stages_ms"]["empty"]


def test_a_truth_file_that_names_absent_videos_is_a_clear_error(film, tmp_path):
    lost = tmp_path / "truth.json"
    lost.write_text((film / "truth.json").read_text())
    with pytest.raises(ConfigurationError, match=r"door\.avi"):
        detect.bench(detect.Wanted(truth=lost))
    lost.write_text("[1, 2]")
    with pytest.raises(ConfigurationError, match=r"truth\.json"):
        detect.bench(detect.Wanted(truth=lost))


def test_quiet_frames_are_the_first_or_the_longest_without_people():
    def quiet(*people):
        clip = {"fps": 10, "frames": 300, "persons": [{"enter": a, "exit": b} for a, b in people]}
        return detect_clips.quiet_frames(detect_clips.msgspec.convert(clip, detect_clips.ClipTruth))

    assert quiet((60, 200)) == range(2, 27)
    assert quiet((12, 200)) == range(2, 9)
    assert quiet((0, 200)) == range(203, 228)
    assert quiet() == range(2, 27)
    assert not quiet((0, 300))


def test_a_visitor_in_a_rendered_scene_is_found():
    tally = detect_scenes.judge_seed(VISITOR_SEED)
    assert tally.loitering.true >= 1
    assert tally.loitering.found >= 1
    assert tally.presence.recall > 0.8


def test_lost_late_and_doubled_frames_change_little():
    scene = RenderedScene(VISITOR_SEED)
    truth = detect_scenes.truth_of(scene)
    habits = Delivery(seed=1, loss=0.1, doubled=0.05, reordered=0.05)
    frames = list(numbered(islice(scene.frames(5.0), 300)))
    even, _ = run(frames, 10.0)
    shaken, camera = run(habits.deliver(frames), 10.0)
    scores = [detect_scenes.judge.judge_loitering(truth, h.alarms) for h in (even, shaken)]
    assert scores[0].found == scores[1].found
    assert camera.counters["late"] > 10


def test_seeds_are_read_in_three_ways():
    assert seeds_of("3") == (1, 2, 3)
    assert seeds_of("101-103") == (101, 102, 103)
    assert seeds_of("7,3") == (7, 3)
    for wrong in ("", "x", "9-3", "1-"):
        with pytest.raises(ConfigurationError):
            seeds_of(wrong)


def test_speed_is_taken_beside_mog2():
    scene = RenderedScene(3)
    jpegs = [encode_jpeg(cv2.resize(scene.render(n / 5), (1920, 1080))) for n in range(20)]
    found = detect_speed.measure(jpegs, jpegs, jpegs, 5.0)
    assert 0 < found["decode_ms"]["empty"] < found["decode_detect_ms"]["empty"]
    whole = sum(found["stages_ms"]["empty"].values())
    assert whole == pytest.approx(found["decode_detect_ms"]["empty"], rel=0.1)
