from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SystemClock
from core.errors import BrokerAway, TemporaryError
from core.evidence import seal, unseal
from core.frames import Frame
from core.model import Finding
from core.objects import sha256_hex
from core.topics import part_of
from detectors import filing
from detectors.camera import Camera
from detectors.evidence import Shot
from detectors.queues import KEEP, FairQueue, Waiting
from detectors.recording import Alarm, Filing
from detectors.snapshots import Snapshots
from detectors.store import PatientStore
from detectors.worker import DetectWorker
from tests.unit.detectors.scene import MemoryStore, Scene, frame

KEY = "k" * 32
CONFIG = b'{"version":1,"loiter":{"after_s":10}}'
STORY = ["motion.started", "loiter.started", "loiter.ended", "motion.ended"]


class Published:
    """Collects findings; `await_count` waits for so many, `failures` publishes fail first."""

    def __init__(self, failures: int = 0) -> None:
        self.findings: list[Finding] = []
        self.failures = failures
        self._changed = threading.Condition()

    def __call__(self, finding: Finding) -> None:
        with self._changed:
            if self.failures:
                self.failures -= 1
                raise BrokerAway("away", delay_s=0.01)
            self.findings.append(finding)
            self._changed.notify_all()

    def await_count(self, count: int) -> list[Finding]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.findings) >= count, 20)
            return list(self.findings)


def _worker(
    store: MemoryStore,
    published: Published,
    clock: SystemClock | None = None,
    folder: Path | None = None,
) -> DetectWorker:
    clock = clock or SystemClock()
    snapshots = Snapshots(folder, KEY, clock) if folder else None
    seals = {"seal": lambda m: seal(m, KEY), "snapshots": snapshots}
    return DetectWorker(store, clock, published, **seals)


def _until(held: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 20
    while not held():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def _feed_all(worker: DetectWorker, device_id: str, frames: list[Frame]) -> None:
    """Offer frames no faster than they are taken, as a camera does."""
    for one in frames:
        _until(lambda: worker.figures()["waiting"] < 3)
        worker.on_frame(device_id, one)


def test_frames_in_findings_out_and_a_bad_configuration_changes_nothing() -> None:
    published = Published(failures=2)
    worker = _worker(MemoryStore(), published)
    worker.start()
    try:
        worker.on_config("cam-one", CONFIG)
        worker.on_config("cam-one", b'{"version":2,"loiter":{"after_s":"soon"}}')
        _feed_all(worker, "cam-one", Scene(person=(7, 20)).frames(5, 27))
        worker.on_frame("cam-one", frame(999, 28, b"\xff\xd8\xff no picture"))
        findings = published.await_count(4)
        _until(lambda: worker.figures()["bad_jpegs"] == 1)
        figures = worker.figures()
    finally:
        worker.stop()
    assert [finding.type for finding in findings] == STORY
    assert {finding.device_id for finding in findings} == {"cam-one"}
    assert len(findings[1].evidence) == 1
    assert figures["cameras"] == 1
    assert figures["frames"] == 27 * 5 + 1
    assert figures["shed"] == 0
    assert 0 <= figures["latest_frame_age_s"] < 20


def test_a_case_is_stored_with_its_manifest_last() -> None:
    published, store = Published(), MemoryStore()
    worker = _worker(store, published)
    worker.start()
    try:
        worker.on_config("cam-one", CONFIG)
        _feed_all(worker, "cam-one", Scene(person=(7, 40)).frames(5, 24))
        _until(lambda: worker.figures()["cases"] == 1)
    finally:
        worker.stop()
    (started,) = [one for one in published.findings if one.type == "loiter.started"]
    key = f"evidence/cam-one/{started.data['case']}.json"
    assert list(store.held)[-1] == key
    manifest = unseal(store.held[key], KEY)
    assert manifest.complete
    assert {moment for picture in manifest.pictures for moment in picture.moments} == {
        "entry",
        "largest",
        "alarm",
    }
    assert all(sha256_hex(store.held[one.key]) == one.sha256 for one in manifest.pictures)


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    published = Published()
    frames = Scene(person=(7, 40)).frames(5, 24)
    first = _worker(MemoryStore(), published, folder=tmp_path / "cameras")
    first.start()
    first.on_config("cam-one", CONFIG)
    _feed_all(first, "cam-one", frames[:70])
    _until(lambda: first.figures()["waiting"] == 0)
    first.stop()
    assert [one.type for one in published.findings] == ["motion.started"]
    second = _worker(MemoryStore(), published, folder=tmp_path / "cameras")
    second.start()
    try:
        _feed_all(second, "cam-one", frames[70:])
        findings = published.await_count(2)
    finally:
        second.stop()
    started = [one for one in findings if one.type == "loiter.started"]
    assert [one.data["dwell_s"] for one in started] == [pytest.approx(10.0, abs=0.5)]
    assert started[0].data["threshold_s"] == 10  # its configuration had not come yet


def test_who_goes_on_after_a_death_says_the_same_under_the_same_number(tmp_path: Path) -> None:
    """The first dies with the alarm under way: nothing is lost, nothing is doubled."""
    frames = Scene(person=(7, 40)).frames(5, 20)
    heard, again = Published(), Published()
    first = _worker(MemoryStore(), heard, folder=tmp_path / "cameras")
    first.start()
    first.on_config("cam-one", CONFIG)
    _feed_all(first, "cam-one", frames[:95])
    heard.await_count(2)
    _until(lambda: first.figures()["snapshots"] >= 1)
    second = _worker(MemoryStore(), again, folder=tmp_path / "cameras")
    second.start()
    try:
        _feed_all(second, "cam-one", frames[95:])
        _until(lambda: second.figures()["frames"] == 5)
    finally:
        second.stop()
        first.stop()
    started = [one for one in heard.findings if one.type == "loiter.started"]
    repeated = [one for one in again.findings if one.type == "loiter.started"]
    assert [(one.seq, one.at) for one in repeated] == [(one.seq, one.at) for one in started]


def test_cameras_given_up_are_on_disk_and_forgotten_here(tmp_path: Path) -> None:
    published = Published()
    frames = Scene(person=(7, 40)).frames(5, 20)
    first = _worker(MemoryStore(), published, folder=tmp_path / "cameras")
    second = _worker(MemoryStore(), published, folder=tmp_path / "cameras")
    first.start()
    second.start()
    try:
        first.on_config("cam-one", CONFIG)
        first.on_frame("cam-two", frames[0])
        _feed_all(first, "cam-one", frames[:70])
        _until(lambda: first.figures()["frames"] == 71)
        first.let_go(frozenset({part_of("cam-one")}))
        assert first.figures()["cameras"] == 1
        _feed_all(second, "cam-one", frames[70:])
        findings = published.await_count(2)
    finally:
        first.stop()
        second.stop()
    assert [one.type for one in findings] == ["motion.started", "loiter.started"]
    assert findings[1].data["dwell_s"] == pytest.approx(10.0, abs=0.5)


def test_bad_pictures_and_lost_frames_are_counted_by_camera() -> None:
    worker = _worker(MemoryStore(), Published())
    for number in range(KEEP + 5):
        worker.on_frame("cam-one", frame(number, number, b""))
    worker.on_frame("cam-two", frame(1, 1, b"\xff\xd8\xff no picture"))
    worker.start()
    try:
        _until(lambda: worker.figures()["waiting"] == 0)
        _until(lambda: worker.figures()["frames"] == KEEP + 1)
        figures = worker.figures()
    finally:
        worker.stop()
    assert figures["shed_of"] == {"cam-one": 5}
    assert figures["bad_jpegs_of"] == {"cam-one": KEEP, "cam-two": 1}


def test_a_stop_files_the_case_in_hand() -> None:
    published, store = Published(), MemoryStore()
    worker = _worker(store, published)
    worker.start()
    worker.on_config("cam-one", CONFIG)
    _feed_all(worker, "cam-one", Scene(person=(7, 40)).frames(5, 19))
    published.await_count(2)
    worker.stop()
    key = f"evidence/cam-one/{published.findings[1].data['case']}.json"
    assert not unseal(store.held[key], KEY).complete


def test_a_slow_store_keeps_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    hang = threading.Event()

    class Hanging(MemoryStore):
        def put(self, key: str, body: bytes) -> None:
            hang.wait(20)
            super().put(key, body)

    monkeypatch.setattr(filing, "MAX_WAITING_BYTES", 10)
    shot = Shot(frame(1, 1.0, b"12345678"))
    case = Filing(
        1, Alarm("1-1", "loiter.started", 1, 0, 10.0, ""), [(shot, ["alarm"])], [], (), True
    )
    store = Hanging()
    filer = filing.Filer(store, SystemClock(), lambda m: seal(m, KEY))
    filer.start()
    filer.put("cam-one", case)
    filer.put("cam-one", case)
    assert filer.shed == 1
    hang.set()
    filer.stop(5)
    assert filer.filed == 1
    assert "evidence/cam-one/1-1.json" in store.held


def test_a_flood_loses_the_oldest_frames_of_its_own_camera_only() -> None:
    queue = FairQueue(keep=3)
    frames = [frame(number, number, b"") for number in range(9)]
    assert sum(queue.put("flood", Waiting(one, 0.0)) for one in frames) == 6
    assert queue.put("calm", Waiting(frames[0], 0.0)) == 0
    served = [queue.take() for _ in range(5)]
    assert [(one[0], one[1].frame.number) for one in served if one] == [
        ("flood", 6),
        ("calm", 0),
        ("flood", 7),
        ("flood", 8),
    ]
    assert len(queue) == 0


def test_overload_is_counted_and_never_blocks_the_caller() -> None:
    worker = _worker(MemoryStore(), Published())
    for number in range(20):
        worker.on_frame("cam-one", frame(number, number, b""))
    figures = worker.figures()
    assert figures["shed"] == 20 - KEEP
    assert figures["waiting"] == KEEP


def test_stop_is_prompt_with_frames_waiting_and_a_hanging_store() -> None:
    hang = threading.Event()

    class Hanging(MemoryStore):
        def put(self, key: str, body: bytes) -> None:
            hang.wait(20)

    worker = _worker(Hanging(), Published())
    worker.start()
    worker.on_config("cam-one", CONFIG)
    _feed_all(worker, "cam-one", Scene(person=(7, 20)).frames(5, 18))
    began_s = time.monotonic()
    worker.stop()
    hang.set()
    assert time.monotonic() - began_s < 2.5


def test_a_hanging_store_costs_its_patience_once() -> None:
    hang = threading.Event()

    class Hanging(MemoryStore):
        def put(self, key: str, body: bytes) -> None:
            hang.wait(20)
            super().put(key, body)

    inner = Hanging()
    store = PatientStore(inner, patience_s=0.05)
    with pytest.raises(TemporaryError, match="no answer"):
        store.put("a", b"1")
    with pytest.raises(TemporaryError, match="still hangs"):
        store.put("b", b"2")
    hang.set()
    _until(lambda: "a" in inner.held)
    _until(lambda: _stores(store))
    assert store.get("c") == b"3"


def _stores(store: PatientStore) -> bool:
    try:
        store.put("c", b"3")
    except TemporaryError:
        return False
    return True


def test_a_bug_is_raised_to_whoever_calls_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Camera, frame: Frame) -> list[Finding]:
        raise ZeroDivisionError

    monkeypatch.setattr(Camera, "feed", broken)
    worker = _worker(MemoryStore(), Published())
    worker.start()
    worker.on_frame("cam-one", frame(1, 0, b""))

    def failed() -> bool:
        try:
            worker.figures()
        except ZeroDivisionError:
            return True
        return False

    _until(failed)
    with pytest.raises(ZeroDivisionError):
        worker.on_frame("cam-one", frame(2, 1, b""))
    worker.stop()


def test_a_camera_that_falls_silent_has_its_stay_ended(clock_of_frames: MovedClock) -> None:
    published = Published()
    worker = _worker(MemoryStore(), published, clock_of_frames)
    worker.start()
    try:
        worker.on_config("cam-one", CONFIG)
        _feed_all(worker, "cam-one", Scene(person=(7, 99)).frames(5, 20))
        published.await_count(2)
        clock_of_frames.ahead_s = 30.0
        findings = published.await_count(5)
    finally:
        worker.stop()
    assert [finding.type for finding in findings] == [*STORY[:2], "camera.frozen", *STORY[2:]]
    assert findings[2].data["fault"] == "no_frames"


class MovedClock(SystemClock):
    """The machine's clock, put ahead by a test."""

    ahead_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


@pytest.fixture
def clock_of_frames() -> MovedClock:
    return MovedClock()


@given(
    st.lists(st.sampled_from(["flood", "a", "b", "c"]), min_size=1, max_size=200),
    st.integers(2, 6),
)
def test_every_camera_keeps_its_share_under_a_flood(names: list[str], keep: int) -> None:
    """However frames come, between two of a camera's turns each other camera has one at most."""
    queue = FairQueue(keep)
    waiting = dict.fromkeys("abc", 0)
    since: dict[str, set[str]] = {name: set() for name in waiting}
    for number, name in enumerate(names):
        for _ in range(50 if name == "flood" else 1):
            dropped = queue.put(name, Waiting(frame(number, number, b""), 0.0))
            if name != "flood":
                waiting[name] += 1 - dropped
        taken = queue.take()
        assert taken is not None
        served = taken[0]
        for other, seen in since.items():
            if other == served:
                waiting[other] -= 1
                seen.clear()
            elif waiting[other] and other != name:
                assert served not in seen, "served twice while another waited"
                seen.add(served)
            else:
                seen.clear()
    assert len(queue) <= keep * 4
