"""Dispatch: ask Prefect to start work at once on jobs that were accepted.

Rows and stored bytes are the truth, so this is a hint only: when Prefect does not answer in time,
the failure is logged and counted, and the sweep picks the jobs up.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

DEPLOYMENT = "ingest-documents/ingest-documents"
TIMEOUT_SECONDS = 10.0
_AT_ONCE = 8
_LOG = logging.getLogger("navigator.dispatch")


@dataclass(slots=True)
class DispatchCounts:
    """What came of the requests so far, for metrics."""

    started: int = 0
    failed: int = 0


class Dispatcher:
    """Starts flow runs of the batch deployment; its callers never wait and never fail.

    Args:
        api_url: Prefect's API, or None: everything is left to the sweep.
    """

    def __init__(self, api_url: str | None, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.counts = DispatchCounts()
        self._api_url = api_url
        self._timeout = timeout_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._stack = AsyncExitStack()
        self._client: PrefectClient | None = None
        self._deployment: UUID | None = None

    @classmethod
    def from_environment(cls) -> Dispatcher:
        """One for the server that PREFECT_API_URL names."""
        return cls(os.environ.get("PREFECT_API_URL") or None)

    def dispatch(self, job_ids: Sequence[UUID], run_id: UUID, label: str) -> None:
        """Ask for a run over these jobs, in the background.

        Args:
            label: what the run is called; never a file's name.
        """
        if self._api_url is None or not job_ids:
            return
        task = asyncio.create_task(self._try(list(job_ids), run_id, label))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let what is under way end, within the time-out, and close the client."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._timeout)
        for task in self._tasks:
            task.cancel()
        await self._stack.aclose()

    async def _try(self, job_ids: list[UUID], run_id: UUID, label: str) -> None:
        try:
            async with asyncio.timeout(self._timeout), self._slots:
                await self._start(job_ids, run_id, label)
            self.counts.started += 1
        except Exception as error:  # whatever it is, the sweep takes the jobs up
            self.counts.failed += 1
            self._deployment = None
            _LOG.warning(
                "Prefect was not reached for run %s (%s); the sweep will take %d jobs up",
                run_id, type(error).__name__, len(job_ids),
            )  # fmt: skip

    async def _start(self, job_ids: list[UUID], run_id: UUID, label: str) -> None:
        client = await self._connected()
        if self._deployment is None:
            self._deployment = (await client.read_deployment_by_name(DEPLOYMENT)).id
        await client.create_flow_run_from_deployment(
            self._deployment,
            name=label,
            parameters={
                "job_ids": [str(job) for job in job_ids],
                "run_id": str(run_id),
                "label": label,
            },
        )

    async def _connected(self) -> PrefectClient:
        if self._client is None:
            from prefect.client.orchestration import PrefectClient

            assert self._api_url is not None
            self._client = await self._stack.enter_async_context(PrefectClient(self._api_url))
        return self._client
