"""The catalogue is whole: every restore names an alarm, every alarm that can end has a restore."""

from __future__ import annotations

import re

from core.catalogue import CATALOGUE, Priority, Source

DESIGN = """
sos.pressed sos.cancelled sos.test duress.pressed door.opened door.closed door.forced door.held_open
door.locked door.unlocked bell.pressed tamper.opened tamper.restored power.lost power.restored
battery.low battery.restored motion.sensed heartbeat position.reported device.booted fault.raised
fault.cleared
motion.started motion.ended object.left object.removed loiter.started loiter.updated
loiter.ended camera.covered camera.moved camera.defocused camera.frozen camera.dark
camera.restored device.offline device.online
gateway.offline gateway.online inactivity.raised inactivity.cleared
"""


def test_every_type_of_the_protocol_is_there_and_no_other() -> None:
    assert set(CATALOGUE) == set(DESIGN.split())


def test_restores_name_types_of_the_same_source() -> None:
    for row in CATALOGUE.values():
        for name in row.restores:
            assert CATALOGUE[name].source is row.source


def test_codes_are_well_formed_and_a_restore_keeps_its_alarms_contact_id() -> None:
    for row in CATALOGUE.values():
        assert row.sia == "" or re.fullmatch("[A-Z]{2}", row.sia)
        assert row.cid is None or 100 <= row.cid <= 999
        if row.restores and row.sia:
            assert row.cid == CATALOGUE[row.restores[0]].cid
            assert row.cid_qualifier == 3


def test_life_safety_is_priority_one_and_travels_on_the_alarm_lane() -> None:
    for name in ("sos.pressed", "duress.pressed", "door.forced"):
        assert CATALOGUE[name].priority is Priority.LIFE_SAFETY
        assert CATALOGUE[name].alarm
    assert not any(row.alarm for row in CATALOGUE.values() if row.source is Source.BACKEND)
