"""Where the detector's time goes: one stage, one file of `detectors`.

Python's profiler counts; what a stage asks of OpenCV and numpy is its own. The profiler slows
Python down and OpenCV not, so its shares are laid on the time measured without it.
"""

from __future__ import annotations

import cProfile
import pstats
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import detectors.camera

_Function = tuple[str, int, str]  # file, line, name, as pstats has it
_Calls = tuple[int, int, float, float]
_DEPTH = 8  # numpy calls itself so deep at most


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """Return each stage's share of the time (sum 1), the largest first."""
    stats = cast("Any", pstats.Stats(profile)).stats
    callers: dict[_Function, dict[_Function, _Calls]] = {
        function: entry[4] for function, entry in stats.items()
    }
    spent: dict[str, float] = {}
    for function, (_, _, own_s, _, _) in stats.items():
        for stage, part in _owners(function, callers, _DEPTH).items():
            spent[stage] = spent.get(stage, 0.0) + own_s * part
    total = sum(spent.values()) or 1.0
    ranked = sorted(spent.items(), key=lambda item: -item[1])
    return {stage: seconds / total for stage, seconds in ranked}


def _owners(
    function: _Function, callers: dict[_Function, dict[_Function, _Calls]], depth: int
) -> dict[str, float]:
    """Return the stages a function works for, as parts of 1; what is nobody's is left out."""
    stage = _stage(function[0])
    if stage is not None:
        return {stage: 1.0}
    asked_by = callers.get(function, {})
    total = sum(calls[3] for calls in asked_by.values())
    if depth == 0 or total <= 0:
        return {}
    owners: dict[str, float] = {}
    for caller, calls in asked_by.items():
        for owner, part in _owners(caller, callers, depth - 1).items():
            owners[owner] = owners.get(owner, 0.0) + part * calls[3] / total
    return owners


def _stage(file: str, package: ModuleType = detectors) -> str | None:
    path = Path(file)
    return path.stem if str(path.parent) in package.__path__ else None
