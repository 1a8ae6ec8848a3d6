"""Writes a run's own row when it begins and when it is over, across restarts of Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from prefect.runtime import flow_run

from flows.origin import allowed_roots, is_scheduled
from pipeline.source_address import split_paths
from pipeline.store import runs
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.run_requests import RequestedRun, request_run, requested_run
from pipeline.store.runs import Progress
from stages.services import Services
from stages.sources.definitions import address_of, require_added


@retry_on_restart
async def begin_run(
    parts: Services, run: UUID, wanted: RequestedRun, cap: Decimal | None
) -> tuple[RequestedRun, Sequence[Path] | None]:
    """Write the run down, with what it is about, and find the folders that it may read."""
    itself = UUID(flow_run.id) if flow_run.id else None
    if not wanted.paths:
        async with parts.database.service() as connection:
            wanted = await requested_run(connection, run) or wanted
    # Both ask Prefect: no transaction is open meanwhile.
    paths, urls = split_paths(wanted.paths)
    for url in urls:  # before it is written down: it could hold a password
        address_of(url)
    roots = await allowed_roots(paths, parts.settings, sources=bool(urls))
    if roots is not None:
        await require_added(parts.database, urls, wanted.user)
    asked = not await is_scheduled()
    async with parts.database.service() as connection:
        await request_run(connection, run, wanted, cap, asked=asked)
        await runs.begin_run(connection, run, itself)
    return wanted, roots


@retry_on_restart
async def progress_of(parts: Services, run: UUID) -> Progress:
    """What has come of the run's documents."""
    async with parts.database.service() as connection:
        return await runs.progress(connection, run)


@retry_on_restart
async def finish_run(parts: Services, run: UUID, stopped: str | None) -> None:
    """Write down that the run is over, and what stopped it."""
    async with parts.database.service() as connection:
        await runs.finish_run(connection, run, stopped)
