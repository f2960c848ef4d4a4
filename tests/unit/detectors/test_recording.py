"""What of a stay is kept: which pictures, when, and what is black in them."""

from __future__ import annotations

import cv2
import numpy as np

from detectors.mask import burn
from detectors.recording import Filing
from tests.unit.detectors.scene import START_US, MemoryStore, Scene, camera, frame, play, types

LOITERER = Scene(person=(8.0, 40.0))


def _seconds(filing: Filing, moment: str) -> list[float]:
    return [
        (shot.frame.captured_at_us - START_US) / 1e6
        for shot, moments in filing.shots
        if moment in moments
    ]


def test_entry_and_alarm_are_kept_from_five_seconds_before_to_five_after() -> None:
    watched = camera()
    play(watched, LOITERER.frames(5, 22.8))
    assert watched.take_filings() == []
    play(watched, LOITERER.frames(5, 23.6)[-4:])
    (filing,) = watched.take_filings()
    assert filing.complete
    entry, alarm = _seconds(filing, "entry"), _seconds(filing, "alarm")
    assert min(entry) <= 3.6
    assert 12.4 <= max(entry) <= 13.0
    assert min(np.diff(entry)) >= 0.5
    assert 12.8 <= min(alarm) <= 13.2
    assert 22.8 <= max(alarm) <= 23.2
    assert len(alarm) == 51
    assert _seconds(filing, "largest")
    assert watched.take_filings() == []


def test_boxes_and_way_stand_beside_the_untouched_originals() -> None:
    watched = camera()
    frames = LOITERER.frames(5, 24)
    findings = play(watched, frames)
    (filing,) = watched.take_filings()
    assert filing.alarm.case == findings[1].data["case"]
    originals = {one.captured_at_us: one.jpeg for one in frames}
    for shot, _ in filing.shots:
        assert shot.frame.jpeg == originals[shot.frame.captured_at_us]
    with_box = [shot for shot, _ in filing.shots if filing.track in shot.boxes]
    assert len(with_box) > 40
    assert all(0.3 < box["x"] + box["w"] / 2 < 0.7 for _, box in filing.path)
    assert filing.path[-1][0] - filing.path[0][0] > 14e6


def test_who_passes_by_leaves_nothing() -> None:
    watched = camera()
    passing = Scene(person=(8.0, 13.5), person_x=-0.1, speed=0.22)
    assert types(play(watched, passing.frames(5, 25))) == ["motion.started", "motion.ended"]
    assert watched.close() == []


def test_a_case_cut_short_says_so() -> None:
    watched = camera()
    play(watched, LOITERER.frames(5, 20))
    (filing,) = watched.close()
    assert not filing.complete
    assert 19.6 <= max(_seconds(filing, "alarm")) <= 20.0


def test_a_second_case_of_one_stay_is_not_made() -> None:
    watched = camera(after_s=10.0)
    play(watched, Scene(person=(8.0, 60.0)).frames(5, 50))
    assert len(watched.take_filings()) == 1


def test_masks_are_black_in_what_is_stored_and_metadata_is_gone() -> None:
    corner = ((0.0, 0.0), (0.25, 0.0), (0.25, 0.5), (0.0, 0.5))
    objects = MemoryStore()
    findings = play(camera(masks=(corner,), store=objects), LOITERER.frames(5, 20))
    (picture,) = findings[1].evidence
    stored = cv2.imdecode(np.frombuffer(objects.held[picture.key], np.uint8), cv2.IMREAD_COLOR)
    assert stored[:180, :160].max() <= 8
    assert stored[200:, 200:].max() > 200


def test_a_mask_set_later_covers_what_is_still_in_hand() -> None:
    corner = ((0.0, 0.0), (0.25, 0.0), (0.25, 0.5), (0.0, 0.5))
    watched = camera()
    frames = LOITERER.frames(5, 21)
    play(watched, frames[:-2])
    watched.config = camera(masks=(corner,)).config
    play(watched, frames[-2:])
    (filing,) = watched.take_filings()
    assert filing.masks == (corner,)


def test_burning_keeps_the_rest_and_drops_metadata() -> None:
    jpeg = frame(0, 0.0, LOITERER.jpeg(9.0)).jpeg
    thumbnail = (
        b"\xff\xe1"
        + (2 + 40).to_bytes(2, "big")
        + b"Exif\0\0"
        + b"thumbnail of a window!"
        + b"\0" * 12
    )
    tagged = jpeg[:2] + thumbnail + jpeg[2:]
    assert burn(tagged, ()) is tagged
    burnt = burn(tagged, [((0.0, 0.0), (0.1, 0.0), (0.1, 0.1))])
    assert b"thumbnail" not in burnt
    before, after = (
        cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR).astype(int)
        for one in (jpeg, burnt)
    )
    assert np.abs(before - after)[60:].max() <= 40
    assert np.abs(before - after)[60:].mean() < 3
