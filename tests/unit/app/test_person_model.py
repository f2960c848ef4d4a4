"""The detect process reads its person model at the start, or says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.processes.detect import _person_model
from core.errors import ConfigurationError
from core.settings import Settings, load
from detectors.person_model import PersonModel
from tests.unit.detectors import onnx_files


def _settings(tmp_path: Path, **given: object) -> Settings:
    return load(
        database="postgresql://nowhere/x",
        broker="mqtt://127.0.0.1:1",
        service_key="k" * 32,
        objects=str(tmp_path),
        public_url="http://localhost",
        state_folder=tmp_path,
        **given,
    )


def test_without_one_there_is_none(tmp_path: Path) -> None:
    assert _person_model(_settings(tmp_path)) is None


def test_a_model_is_read_by_the_settings(tmp_path: Path) -> None:
    path = onnx_files.ssd(tmp_path / "model.onnx")
    settings = _settings(tmp_path, person_model=path, person_layout="ssd", person_class=1)
    assert isinstance(_person_model(settings), PersonModel)
    with pytest.raises(ConfigurationError, match="is not yolo"):
        _person_model(_settings(tmp_path, person_model=path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DOORGUARD_PERSON_MODEL: no such file"):
        _person_model(_settings(tmp_path, person_model=tmp_path / "none.onnx"))


def test_a_layout_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PERSON_LAYOUT"):
        _settings(tmp_path, person_layout="frcnn")
