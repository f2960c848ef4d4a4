"""Manifests: read as they were written, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotFound, PermanentError
from core.evidence import Manifest, Picture, Place, TrackBox, manifest_key, seal, unseal

KEY, OTHER = "k" * 32, "o" * 32
AT = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
MANIFEST = Manifest(
    version=1,
    device="camera-1",
    case="1763805600123456-3",
    event="loiter.started",
    at=AT,
    since=AT,
    track=3,
    threshold_s=10.0,
    zone="door",
    complete=True,
    masked=False,
    missing=0,
    pictures=[
        Picture(
            key="evidence/camera-1/00.jpg",
            sha256="00",
            size_bytes=9,
            captured_at=AT,
            infrared=False,
            moments=["alarm"],
            boxes=[TrackBox(3, 0.1, 0.2, 0.3, 0.4)],
        )
    ],
    path=[Place(AT, 0.1, 0.2, 0.3, 0.4)],
)


def test_it_is_read_as_it_was_written() -> None:
    assert unseal(seal(MANIFEST, KEY), KEY) == MANIFEST


@given(st.data())
def test_a_changed_byte_or_another_key_is_refused(data: st.DataObject) -> None:
    stored = bytearray(seal(MANIFEST, KEY))
    with pytest.raises(PermanentError):
        unseal(bytes(stored), OTHER)
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PermanentError):
        unseal(bytes(stored), KEY)


@pytest.mark.parametrize("case", ["", "1", "../1-1", "1-1/x", "1-1.json", "1-1\n"])
def test_what_is_no_case_has_no_place(case: str) -> None:
    with pytest.raises(NotFound):
        manifest_key("camera-1", case)
