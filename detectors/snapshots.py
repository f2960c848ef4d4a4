"""Each camera's state on disk, so that a restart forgets nobody and no scene is learnt anew.

One sealed file a camera, mode 0600, replaced whole. It holds the small working picture's model with
the privacy masks black in it, tracks and times, and findings that may not have gone out; no
picture as the camera sent it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.clock import Clock
from core.errors import DecodeError, PermanentError
from core.model import Finding
from core.sealing import Seal
from core.telemetry import logger
from detectors import codec

FORMAT = 1
TOO_OLD_S = 600.0  # the light has moved on, and so has everybody
SUFFIX, _PART = ".camera", ".part"
_SWEEP_LOOK_S = 60.0
_PATIENCE_S = 1.0
_MOST_WAITING = 64  # files; a disk that hangs costs snapshots, not frames
_log = logger(__name__)


class _File(msgspec.Struct, array_like=True):
    format: int
    device: str
    saved_at_us: int
    captured_us: int
    findings: list[Finding]
    state: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot as read: `state` for `Camera.restore`, the last frame's capture time, how old
    it is by our clock.
    """

    state: dict[str, Any]
    captured_us: int
    findings: list[Finding]
    age_s: float


class Snapshots:
    """A folder of snapshots; `save` hands over to a thread of its own, `load` reads."""

    def __init__(self, folder: Path, service_key: str, clock: Clock) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._seal = Seal(service_key, "detect:snapshot")
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: dict[str, Callable[[], None]] = {}
        self._stopping = False
        self._busy = False
        self.saved = 0
        self.failed = 0
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Write what waits, as far as there is time."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def wait_written(self, timeout_s: float) -> bool:
        """Wait until all that was saved is on disk; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout_s)

    def save(
        self,
        device_id: str,
        state: dict[str, Any],
        captured_us: int,
        findings: list[Finding],
        *,
        patient: bool = False,
    ) -> None:
        """Take the state as it is now; it is written soon. Raises `codec.UnknownStateError`.

        Where too many wait for the disk it is given up, at once or, `patient`, after a second.
        """
        body = msgspec.msgpack.encode(
            _File(FORMAT, device_id, self._now_us(), captured_us, findings, codec.encode(state))
        )

        def has_room() -> bool:
            return len(self._waiting) < _MOST_WAITING or device_id in self._waiting

        with self._changed:
            if not self._changed.wait_for(has_room, _PATIENCE_S if patient else 0.0):
                self.failed += 1
                return
            self._waiting[device_id] = lambda: self._write(device_id, body)
            self._changed.notify_all()

    def load(self, device_id: str) -> Kept | None:
        """Return the camera's snapshot, None where there is none, or none to go by: damaged,
        sealed by another installation, of another version, or too old.
        """
        path = self._path(device_id)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.error("snapshot not read", device=device_id, error=str(error))
            return None
        try:
            file = msgspec.msgpack.decode(self._seal.open(sealed), type=_File)
            if (file.format, file.device) != (FORMAT, device_id):
                raise DecodeError("state", f"format {file.format} of {file.device}")
            age_s = (self._now_us() - file.saved_at_us) / 1e6
            if not -TOO_OLD_S <= age_s <= TOO_OLD_S:
                _log.info("snapshot too old", device=device_id, age_s=round(age_s))
                return None
            state = codec.decode(file.state)
        except (PermanentError, msgspec.DecodeError) as error:
            _log.error("snapshot ignored", device=device_id, path=str(path), error=str(error))
            return None
        return Kept(state, file.captured_us, file.findings, age_s)

    def forget(self, device_id: str) -> None:
        with self._changed:
            self._waiting.pop(device_id, None)
        self._path(device_id).unlink(missing_ok=True)

    def _path(self, device_id: str) -> Path:
        return self._folder / f"{device_id}{SUFFIX}"

    def sweep(self) -> int:
        """Delete what nobody will go on from; return how many files. A home is not kept for
        longer than it is of use.
        """
        before = self._clock.now().timestamp() - TOO_OLD_S
        gone = 0
        for path in self._folder.iterdir():
            try:
                if path.suffix in {SUFFIX, _PART} and path.stat().st_mtime < before:
                    path.unlink()
                    gone += 1
            except OSError as error:  # another worker was first, or the disk is away
                _log.warning("old snapshot not deleted", path=str(path), error=str(error))
        return gone

    def _run(self) -> None:
        swept_s = float("-inf")
        while True:
            now_s = self._clock.monotonic_s()
            if now_s - swept_s >= TOO_OLD_S:
                swept_s = now_s
                self.sweep()
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping, _SWEEP_LOOK_S)
                if not self._waiting:
                    if self._stopping:
                        return
                    continue
                device_id = next(iter(self._waiting))
                write = self._waiting.pop(device_id)
                self._busy = True
            write()
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _write(self, device_id: str, body: bytes) -> None:
        path = self._path(device_id)
        part = path.with_suffix(f".{os.getpid()}{_PART}")
        try:
            # no fsync: what a power cut tears is refused by its seal, and learnt anew
            part.unlink(missing_ok=True)
            part.touch(mode=0o600, exist_ok=False)
            part.write_bytes(self._seal.close(body))
            part.replace(path)
            self.saved += 1
        except OSError as error:
            self.failed += 1
            _log.error("snapshot not written", device=device_id, error=str(error))

    def _now_us(self) -> int:
        return int(self._clock.now().timestamp() * 1e6)
