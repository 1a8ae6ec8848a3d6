"""Runs with `--sync`, without Prefect."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

from pipeline.sources import FoundFiles, find_files
from pipeline.store import runs
from stages import intake, syncing
from stages.services import Services
from tests.ingesting import work_off


async def begin_sync(
    services: Services,
    user: UUID,
    paths: Sequence[Path],
    *,
    cap: Decimal | None = None,
    work: bool = True,
) -> tuple[UUID, FoundFiles]:
    """A run with --sync up to its last step: moves, registration, and the work.

    Returns:
        Its id, and what was found.
    """
    run = uuid4()
    found = find_files([str(path) for path in paths])
    async with services.database.service() as connection:
        await runs.start_run(connection, run, user, "ingest", max_cost_usd=cap)
    await syncing.take_moves(services, user, found, run)
    taken = await intake.upload(services, found.files, user, run, (), found.within)
    if work and taken.to_do:
        await work_off(services, taken.to_do, run)
    return run, found


async def synced(services: Services, user: UUID, *paths: Path) -> int:
    """A whole run with --sync that ends well; how many documents it deleted."""
    run, found = await begin_sync(services, user, paths)
    return await syncing.finish(services, user, found, run, well=True)
