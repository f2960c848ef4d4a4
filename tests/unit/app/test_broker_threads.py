"""The embedded broker has threads to spare, unless somebody who knows better named a number."""

from __future__ import annotations

import os

import pytest

from app.embedded.broker import go_threads


def test_more_threads_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOMAXPROCS", raising=False)
    assert int(go_threads()["GOMAXPROCS"]) > (os.cpu_count() or 1)


def test_a_named_number_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMAXPROCS", "3")
    assert go_threads() == {"GOMAXPROCS": "3"}
