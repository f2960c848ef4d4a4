"""The journal on disk: sealed records, each on the platter before anybody is told of it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from alerts.lifeline.records import Began, Record
from core.errors import PermanentError
from core.sealing import Seal
from core.telemetry import logger

_LENGTH = struct.Struct("<I")
_NAME = "journal"
_IDLE_BYTES = 100  # of one that tells no more than where it began; an alarm takes more
_LONGEST = 1 << 20  # a record is an alarm of at most 64 KiB and little else
_DECODER: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)
_ENCODER = msgspec.msgpack.Encoder()
_log = logger(__name__)


class Journal:
    """An append-only file of one process.

    Each record is its length (4 bytes, little-endian) and its sealed bytes. A record that a crash
    cut short was never acknowledged to anybody: reading ends before it, and it is cut off.
    """

    def __init__(self, folder: Path, service_key: str) -> None:
        self._path = path = folder / _NAME
        self._seal = Seal(service_key, "lifeline:journal")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _fsync_folder(path.parent)

    def read(self) -> list[Record]:
        """Return the records in order, and be ready to append after the last whole one.

        A file that cannot be read from its first record on (another service key) is put aside
        under another name, loudly, and an empty one begun.
        """
        body = self._path.read_bytes()
        records: list[Record] = []
        whole = 0
        try:
            for record, end in self._records(body):
                records.append(record)
                whole = end
        except (PermanentError, msgspec.MsgspecError) as error:
            aside = self._path.with_suffix(f".unreadable-{self._path.stat().st_mtime_ns}")
            aside.write_bytes(body)
            aside.chmod(0o600)
            _log.critical(
                "the lifeline's journal is damaged; what follows is put aside",
                read=len(records),
                aside=str(aside),
                error=str(error),
            )
        if whole < len(body):
            os.ftruncate(self._fd, whole)
            os.fsync(self._fd)
        os.lseek(self._fd, 0, os.SEEK_END)
        return records

    def append(self, records: Sequence[Record]) -> None:
        """Write the records and wait until they are on disk. Raises `OSError`."""
        if not records:
            return
        view = memoryview(b"".join(map(self._framed, records)))
        while view:
            view = view[os.write(self._fd, view) :]
        os.fdatasync(self._fd)

    def begin_anew(self, began: Began) -> None:
        """Replace the file by one that holds this record alone, or leave it as it is."""
        fresh = self._path.with_suffix(".new")
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, self._framed(began))
        os.fsync(fd)
        fresh.replace(self._path)
        _fsync_folder(self._path.parent)
        os.close(self._fd)
        self._fd = fd

    def close(self) -> None:
        os.close(self._fd)

    def _framed(self, record: Record) -> bytes:
        sealed = self._seal.close(_ENCODER.encode(record))
        return _LENGTH.pack(len(sealed)) + sealed

    def _records(self, body: bytes) -> Iterator[tuple[Record, int]]:
        at = 0
        while at + _LENGTH.size <= len(body):
            (length,) = _LENGTH.unpack_from(body, at)
            if length > _LONGEST:
                raise PermanentError(f"a record of {length} bytes")
            end = at + _LENGTH.size + length
            if end > len(body):
                return
            yield _DECODER.decode(self._seal.open(body[at + _LENGTH.size : end])), end
            at = end


def is_idle(folder: Path) -> bool:
    """Say whether the journal in a folder carries nothing, without opening it."""
    try:
        return (folder / _NAME).stat().st_size <= _IDLE_BYTES
    except FileNotFoundError:
        return True


def _fsync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
