"""Dispatches accepted jobs: asks Prefect to start a flow run for them at once.

Rows and stored bytes are the truth, so this is a hint only: what Prefect does not take is asked for
again for ten minutes (it may be away, emptied, or without its deployments); then the failure is
logged and counted, and the sweep picks the jobs up.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from app.api.prefect_clients import client_of, load_client
from app.api.queued_runs import cancel_queued_runs
from deployments.prefect_clock import ServerClock
from pipeline import correlation
from pipeline.code_version import code_version
from pipeline.identity import combined_sha256
from pipeline.logs import logger

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

DEPLOYMENT = "ingest-documents/ingest-documents"
TIMEOUT_SECONDS = 10.0
PAUSE_SECONDS = 2.0
"""After a failure nothing is asked for so long, and twice as long after the next one."""
LONGEST_PAUSE_SECONDS = 15.0
PATIENCE_SECONDS = 600.0
"""A request is tried again until it is so old; whoever comes second finds nothing to do."""
MOST_WAITING = 1000
"""What comes beyond is left to the sweep at once."""
WITHDRAW_SECONDS = 60.0
"""That taking back queued runs may take; those that are left find nothing to do."""
JOBS_OF_A_RUN = 32
_AT_ONCE = 4
_LOG = logger("navigator.dispatch")


@dataclass(slots=True)
class DispatchCounts:
    """Jobs for which a run was started, and those left to the sweep, for metrics."""

    started: int = 0
    failed: int = 0


@dataclass(slots=True)
class _Request:
    run_id: UUID
    label: str
    user: UUID | None
    job_ids: list[UUID] = field(default_factory=list)
    correlation_ids: list[UUID] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)


class Dispatcher:
    """Starts flow runs of the batch deployment; its callers never wait and never fail.

    Args:
        api_url: Prefect's API, or None: everything is left to the sweep.
        installation: the database that the jobs are in, for workers to compare with theirs.
    """

    def __init__(
        self,
        api_url: str | None,
        *,
        installation: UUID | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.counts = DispatchCounts()
        self._installation = installation
        self._api_url = api_url
        self._timeout = timeout_seconds
        self._waiting: deque[_Request] = deque()
        self._asking: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()
        self._withdrawing: set[asyncio.Task[None]] = set()
        self._closing = False
        self._trouble = ""
        self._paused_until = 0.0
        self._pause = PAUSE_SECONDS
        self._deployment: UUID | None = None
        self._clock = ServerClock()

    @classmethod
    async def from_environment(cls, installation: UUID) -> Dispatcher:
        """One for the server that PREFECT_API_URL names, with Prefect's client loaded."""
        url = os.environ.get("PREFECT_API_URL") or None
        if url is not None:
            await load_client()
        return cls(url, installation=installation)

    @property
    def trouble(self) -> str:
        """Why the server takes no run that it is asked for; empty when it does, or nothing waits.

        A server on SQLite answers that it is healthy while its database is locked.
        """
        return self._trouble if self._waiting or self._under_way else ""

    def dispatch(
        self, job_ids: Sequence[UUID], run_id: UUID, label: str, user: UUID | None = None
    ) -> None:
        """Ask for a run over these jobs, in the background.

        Args:
            label: what the run is called; never a file's name.
            user: whose jobs they all are: what waits of one user is asked for together.
        """
        if self._api_url is None or not job_ids:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.counts.failed += len(job_ids)
            return
        because_of = list(correlation.ids())
        self._waiting.append(_Request(run_id, label, user, list(job_ids), because_of))
        self._news.set()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())

    def withdraw(self, user: UUID, jobs: Collection[UUID]) -> None:
        """Take back, in the background, what was asked for over jobs that are gone.

        A run that began meanwhile finds nothing to do and ends.

        Args:
            user: whose jobs they all were.
        """
        if self._api_url is None:
            return
        for request in [each for each in self._waiting if each.user == user]:
            self._waiting.remove(request)
        if jobs:
            task = asyncio.create_task(self._withdrawn(jobs))
            self._withdrawing.add(task)
            task.add_done_callback(self._withdrawing.discard)

    async def _withdrawn(self, jobs: Collection[UUID]) -> None:
        assert self._api_url is not None
        try:
            async with asyncio.timeout(WITHDRAW_SECONDS), await client_of(self._api_url) as client:
                count = await cancel_queued_runs(client, DEPLOYMENT, jobs)
            _LOG.info("withdrawn", runs=count)
        except Exception as error:  # they find nothing to do, each in its turn
            _LOG.warning("withdrawing_failed", error=type(error).__name__)

    async def close(self) -> None:
        """Let what is under way end, each within its time-out; the rest is left to the sweep."""
        self._closing = True
        self._news.set()
        if self._withdrawing:
            await asyncio.wait(self._withdrawing, timeout=self._timeout)
        if self._asking is not None:
            with suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._asking, 2 * self._timeout + 1)
        self.counts.failed += sum(len(request.job_ids) for request in self._waiting)
        self._waiting.clear()

    async def _ask(self) -> None:
        assert self._api_url is not None
        # The client belongs to the task that opens it, so this one outlives every request.
        async with await client_of(self._api_url) as client:
            while self._waiting or not self._closing:
                if not self._waiting:
                    await self._rest(None)
                    continue
                if (pause := self._paused_until - time.monotonic()) > 0:
                    if self._closing:
                        break
                    await self._rest(pause)
                    continue
                await self._slots.acquire()
                task = asyncio.create_task(self._try(client, self._next()))
                self._under_way.add(task)
                task.add_done_callback(self._done)
            if self._under_way:
                await asyncio.wait(self._under_way)

    async def _rest(self, seconds: float | None) -> None:
        """Until the dispatcher closes or, without a time, until there is something to ask for."""
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._slots.release()

    def _next(self) -> _Request:
        """The request that waits longest, with what else waits of the same user."""
        first = self._waiting.popleft()
        if first.user is None:
            return first
        for other in [each for each in self._waiting if each.user == first.user]:
            if len(first.job_ids) + len(other.job_ids) > JOBS_OF_A_RUN:
                break
            first.job_ids += other.job_ids
            first.correlation_ids += other.correlation_ids
            self._waiting.remove(other)
        return first

    async def _try(self, client: PrefectClient, request: _Request) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._start(client, request)
            self.counts.started += len(request.job_ids)
            self._pause, self._trouble = PAUSE_SECONDS, ""
            with correlation.bound(request.correlation_ids):
                _LOG.info("dispatched", run_id=str(request.run_id), jobs=len(request.job_ids))
        except Exception as error:  # whatever it is, the sweep takes the jobs up in the end
            self._deployment, self._trouble = None, _why(error)
            self._paused_until = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
            if time.monotonic() - request.since < PATIENCE_SECONDS and not self._closing:
                self._waiting.appendleft(request)
                self._news.set()
                return
            self.counts.failed += len(request.job_ids)
            with correlation.bound(request.correlation_ids):
                _LOG.warning(
                    "dispatch_failed",
                    run_id=str(request.run_id),
                    jobs=len(request.job_ids),
                    error=type(error).__name__,
                )

    async def _start(self, client: PrefectClient, request: _Request) -> None:
        if self._deployment is None:
            self._deployment = (await client.read_deployment_by_name(DEPLOYMENT)).id
        more = len(request.job_ids) - 1
        label = f"{request.label} and {more} more" if more else request.label
        from prefect.states import Scheduled  # the client has it loaded already

        await client.create_flow_run_from_deployment(
            self._deployment,
            # By our own clock it might be due tomorrow.
            state=Scheduled(scheduled_time=await self._clock.now(client)),
            name=label,
            parameters={
                "job_ids": [str(job) for job in request.job_ids],
                "run_id": str(request.run_id),
                "label": label,
                "installation": str(self._installation) if self._installation else None,
                "inside": True,
                "code": code_version(),
            },
            # A request that was heard, though its answer was not, is not answered twice.
            idempotency_key=combined_sha256([str(request.run_id), *map(str, request.job_ids)]),
        )


def _why(error: Exception) -> str:
    """What a failure was, in words that hold no address."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return "its database is locked or away"
    return f"HTTP {status}" if status else type(error).__name__
