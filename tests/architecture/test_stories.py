"""The stories of incidents: enough of them, each with a name of its own, on one screen."""

from __future__ import annotations

import ast
from pathlib import Path

STORIES = Path(__file__).parents[1] / "integration" / "alerts" / "stories"
ONE_SCREEN_LINES = 40


def _stories() -> list[ast.FunctionDef]:
    return [
        node
        for file in sorted(STORIES.glob("test_*.py"))
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def test_each_story_has_a_name_of_its_own_and_fits_on_a_screen() -> None:
    stories = _stories()
    names = [story.name for story in stories]
    assert len(names) >= 25
    assert len(set(names)) == len(names)
    long = {s.name for s in stories if (s.end_lineno or 0) - s.lineno >= ONE_SCREEN_LINES}
    assert long == set()
