"""A folder is one process' at a time; what a dead one left is found."""

from __future__ import annotations

from pathlib import Path

from alerts.lifeline import folders, journal
from alerts.lifeline.journal import Journal
from alerts.lifeline.records import Began, Raised
from tests.unit.alerts.lifeline.test_carrying import NOW, alarm


def test_two_that_live_have_a_folder_each(tmp_path: Path) -> None:
    one, other = folders.claim(tmp_path), folders.claim(tmp_path)
    assert [one.path.name, other.path.name] == ["lifeline", "lifeline-2"]
    journal_of = Journal(one.path, "k" * 32)
    journal_of.append([Raised(1, "sos", 1, "r", alarm(), NOW, NOW)])
    journal_of.close()
    assert folders.left_behind(tmp_path) == []
    one.release()
    other.release()
    (left,) = folders.left_behind(tmp_path)
    assert left.path == one.path
    assert folders.claim(tmp_path).path == other.path, "it is in our hands now"
    left.release()
    assert folders.claim(tmp_path).path == one.path


def test_a_journal_is_idle_until_an_alarm_stands_in_it(tmp_path: Path) -> None:
    assert journal.is_idle(tmp_path)
    made = Journal(tmp_path, "k" * 32)
    assert journal.is_idle(tmp_path)
    made.begin_anew(Began(2**62, 2**62))
    assert journal.is_idle(tmp_path)
    made.append([Raised(1, "sos", 1, "r", alarm(), NOW, NOW)])
    assert not journal.is_idle(tmp_path)
    made.close()
