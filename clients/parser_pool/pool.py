"""Pools worker processes: lent out one request at a time, kept warm, replaced when worn."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from clients.parser_pool.worker import Worker
from pipeline.errors import ServiceUnavailable

T = TypeVar("T")


class WorkerPool:
    """Workers that one or several event loops share.

    Args:
        recycle_after: requests after which a worker is replaced.
    """

    def __init__(self, workers: Sequence[Worker], recycle_after: int) -> None:
        self._workers = list(workers)
        self._recycle_after = recycle_after
        self._closing = threading.Event()
        # Last in, first out: a light load keeps few workers warm.
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(len(workers), thread_name_prefix="parser")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that run now."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    def prepare(self) -> None:
        """Start a process that the first request finds started, beside whatever is done until then.

        That it cannot be started is told to that request, which tries again.
        """
        self._threads.submit(self._begin)

    def _begin(self) -> None:
        # In a thread of the pool: on Linux a worker dies with the thread that started it.
        worker = self._idle.get()
        try:
            with suppress(ServiceUnavailable):
                worker.begin()
        finally:
            self._idle.put(worker)

    async def close(self) -> None:
        """End all workers, and the documents they are at; safe to call twice."""
        self._closing.set()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        for worker in self._workers:
            worker.kill()

    async def _in_worker(self, work: Callable[[Worker, Callable[[], bool]], T]) -> T:
        """Do something with the next free worker; cancelling the call ends that worker."""
        given_up = threading.Event()
        future = self._threads.submit(self._with_worker, work, given_up)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            given_up.set()
            raise

    def _with_worker(
        self, work: Callable[[Worker, Callable[[], bool]], T], given_up: threading.Event
    ) -> T:
        def stopped() -> bool:
            return given_up.is_set() or self._closing.is_set()

        worker = self._idle.get()
        try:
            return work(worker, stopped)
        finally:
            if self._is_worn(worker):
                worker.kill()
            self._idle.put(worker)

    def _is_worn(self, worker: Worker) -> bool:
        return worker.documents >= self._recycle_after or worker.is_worn()
