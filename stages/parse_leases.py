"""Leases a file that a service parses: the job's claim, and the right to submit it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from pipeline.clock import steady_seconds
from pipeline.errors import FencedOut
from pipeline.store import leases, parsed_files
from pipeline.store.claims import ClaimedJob
from pipeline.store.parsed_files import ParsedFile
from stages.batch import Batch
from stages.fencing import jobs_still_leased, needed_seconds
from stages.heartbeat import renewing
from stages.services import Services


class ParseLease:
    """A lease on a parse, checked before each request that costs money, and after each pause."""

    def __init__(self, services: Services, job: ClaimedJob, run_id: UUID) -> None:
        self._services = services
        self._batch = Batch(run_id, (job.claim,))
        self._lease = services.settings.lease_seconds
        self._who = (job.user_id, job.file_sha256, job.parser, services.worker)
        self._looked = steady_seconds()

    async def reserve(self) -> ParsedFile:
        """Reserve the parse, or find it finished, or under way elsewhere.

        Raises:
            FencedOut: another worker has the job.
        """
        await self._require_job()
        async with self._services.database.service() as connection:
            return await parsed_files.reserve(connection, *self._who, self._lease)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew the reservation meanwhile."""
        async with renewing(self._lease, self._renewed):
            yield

    async def require(self) -> None:
        """Require that claim and reservation are still ours; a slow check is repeated.

        Raises:
            FencedOut: another worker has the job, or parses the same bytes.
        """
        while True:
            looked = steady_seconds()
            await self._require_job()
            if not await self._renewed():
                raise FencedOut("Another worker has this file parsed.")
            if steady_seconds() - looked < needed_seconds(self._services):
                self._looked = looked
                return

    async def recall(self) -> None:
        """Check again when the last check is old: this process may have been suspended."""
        if steady_seconds() - self._looked >= needed_seconds(self._services):
            await self.require()

    async def _require_job(self) -> None:
        if not await jobs_still_leased(self._services, self._batch, self._batch.job_ids):
            raise FencedOut("Another worker has taken this document over.")

    async def _renewed(self) -> bool:
        async with self._services.database.service() as connection:
            return await leases.renew_parse(connection, *self._who, self._lease)
