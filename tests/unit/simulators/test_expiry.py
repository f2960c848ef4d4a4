"""A command expires: a device that was away never runs an old one."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from core.wire import Command
from simulators.connection import Credentials
from simulators.device import Device
from tests.conftest import NOON, ManualClock


@pytest.mark.parametrize(
    ("late", "runs"),
    [
        (timedelta(microseconds=-1), True),
        (timedelta(0), False),
        (timedelta(microseconds=1), False),
    ],
)
def test_a_command_runs_before_it_expires_and_never_after(
    clock: ManualClock, late: timedelta, runs: bool
) -> None:
    fields = {"device": "cam-1", "username": "cam-1", "password": "x", "host": "h", "port": 1}
    device = Device(Credentials.from_json({**fields, "topic_root": "dg/v1/00/cam-1"}), clock)
    device._commanded(Command("c1", "identify", msgspec.Raw(b"{}"), NOON - late))
    assert [(reply.id, reply.ok) for reply in device._replies] == ([("c1", True)] if runs else [])
    assert device.expired_commands == (0 if runs else 1)
