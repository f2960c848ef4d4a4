"""The journal and the roster on disk: sealed, whole or cut off at the last whole record."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.finding import Found, Photo
from alerts.lifeline.journal import Journal
from alerts.lifeline.records import Answered, Began, Raised, Record, Settled, Tried
from alerts.lifeline.roster import roster_file
from core.errors import PermanentError
from core.sealing import Seal
from tests.unit.alerts.lifeline.test_carrying import NEAR, NOW, alarm, roster

KEY = "k" * 32
RECORDS: list[Record] = [
    Began(1, 2),
    Raised(3, "sos", 1, "an SOS", alarm(), NOW, NOW),
    Answered(3, 4, "done", NOW, Found("helped", "", (Photo("a.jpg", "0" * 64, 9),))),
    Tried(3, 4, "webhook", NOW, message="stand_down"),
    Settled(3),
]


def journal(path: Path, key: str = KEY) -> Journal:
    return Journal(path, key)


def test_what_was_appended_is_read_again(tmp_path: Path) -> None:
    one = journal(tmp_path)
    assert one.read() == []
    one.append(RECORDS[:2])
    one.append(RECORDS[2:])
    one.close()
    assert journal(tmp_path).read() == RECORDS


@given(st.integers(0, 800))
def test_a_cut_leaves_the_whole_records_and_goes_on(cut: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = journal(folder)
        one.read()
        one.append(RECORDS)
        one.close()
        file = folder / "journal"
        file.write_bytes(file.read_bytes()[:-cut] if cut else file.read_bytes())
        again = journal(folder)
        left = again.read()
        assert left == RECORDS[: len(left)]
        assert cut or left == RECORDS
        again.append([Settled(9)])
        again.close()
        assert journal(folder).read() == [*left, Settled(9)]


def test_nothing_of_a_home_can_be_read_on_disk(tmp_path: Path) -> None:
    one = journal(tmp_path)
    one.append(RECORDS)
    file = roster_file(tmp_path, KEY)
    file.write(roster(NEAR))
    for path in (tmp_path / "journal", tmp_path / "roster"):
        body = path.read_bytes()
        assert b"home-0" not in body
        assert b"Jongno" not in body
        assert path.stat().st_mode & 0o077 == 0


def test_a_damaged_record_is_put_aside_and_paging_goes_on(tmp_path: Path) -> None:
    one = journal(tmp_path)
    one.append(RECORDS)
    one.close()
    file = tmp_path / "journal"
    body = bytearray(file.read_bytes())
    body[-1] ^= 1
    file.write_bytes(body)
    again = journal(tmp_path)
    assert again.read() == RECORDS[:-1]
    assert [path.name for path in tmp_path.glob("journal.unreadable-*")]
    again.append([Settled(3)])
    again.close()
    assert journal(tmp_path).read() == RECORDS


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    one = journal(tmp_path)
    one.append(RECORDS)
    one.close()
    assert journal(tmp_path, "x" * 32).read() == []
    file = roster_file(tmp_path, KEY)
    file.write(roster(NEAR))
    assert roster_file(tmp_path, "x" * 32).read() is None
    assert file.read() == roster(NEAR)
    with pytest.raises(PermanentError):
        Seal(KEY, "roster").open(Seal(KEY, "journal").close(b"x"))


def test_a_new_journal_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    one = journal(tmp_path)
    one.append(RECORDS)
    one.begin_anew(Began(7, 8))
    one.append([Settled(7)])
    one.close()
    assert journal(tmp_path).read() == [Began(7, 8), Settled(7)]
    assert [path.name for path in tmp_path.iterdir()] == ["journal"]
