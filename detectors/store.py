"""The object store behind a limit of time: a hanging store must not stop detection."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout

from core.errors import TemporaryError
from core.ports import ObjectStore

PATIENCE_S = 1.0


class PatientStore:
    """`ObjectStore` that gives up waiting after `PATIENCE_S` with a `TemporaryError`.

    While one write hangs, further writes are refused at once.
    """

    def __init__(self, store: ObjectStore, patience_s: float = PATIENCE_S) -> None:
        self._store = store
        self._patience_s = patience_s
        self._busy = threading.Semaphore(1)

    def put(self, key: str, body: bytes) -> None:
        if not self._busy.acquire(blocking=False):
            raise TemporaryError("object store: a write still hangs", delay_s=self._patience_s)
        pool = ThreadPoolExecutor(1, thread_name_prefix="evidence")
        try:
            write = pool.submit(self._store.put, key, body)
            write.add_done_callback(lambda _: self._busy.release())
            write.result(timeout=self._patience_s)
        except FutureTimeout:
            raise TemporaryError("object store: no answer", delay_s=self._patience_s) from None
        finally:
            pool.shutdown(wait=False)

    def get(self, key: str) -> bytes:
        return self._store.get(key)
