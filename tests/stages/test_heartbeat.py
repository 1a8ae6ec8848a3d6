"""Heartbeats: what a living worker holds never runs out, and what it has left is free at once.

The leases are set an hour ahead by hand, and the next beat brings them back to what the settings
say: so no test depends on how long a beat takes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pipeline.identity import user_id
from pipeline.store import vector_buffer
from pipeline.store.claims import ClaimedJob
from stages import batch
from stages.batch import Batch, claim_batch
from stages.run_lease import run_lease
from stages.services import Services
from tests.conftest import administer
from tests.flows.corpus import Opener, change, policy, query
from tests.ingesting import accept
from tests.pipeline.store.making import new_run
from tests.stages.test_fenced_stages import until_chunked

ANNA = user_id("anna")
LEASE_SECONDS = 2.0
ENOUGH_SECONDS = 15.0
LEASES = {
    "upload_jobs": "lease_until",
    "document_vector_buffer": "lease_until",
    "ingest_runs": "held_until",
}


async def beats(services: Services, table: str) -> bool:
    """Whether a heartbeat sets a lease of this table anew before twenty of them should have."""
    column = LEASES[table]
    ahead = f"now() + interval '1 hour' WHERE {column} IS NOT NULL"
    await change(services, f"UPDATE upload_pipeline.{table} SET {column} = {ahead}")
    deadline = time.monotonic() + ENOUGH_SECONDS
    ahead = f"{column} > now() + interval '30 minutes'"
    while time.monotonic() < deadline:
        if not await query(services, f"SELECT 1 FROM upload_pipeline.{table} WHERE {ahead}"):
            left = f"{column} > now()"
            return bool(
                await query(services, f"SELECT 1 FROM upload_pipeline.{table} WHERE {left}")
            )
        await asyncio.sleep(0.1)
    return False


@asynccontextmanager
async def working(services: Services, folder: Path) -> AsyncIterator[Batch]:
    """A batch of one document that its worker holds, in a run that it owns."""
    policy(folder, "home")
    run = await new_run(services.database, ANNA)
    jobs = await accept(services, [folder], ANNA)
    async with run_lease(services, run), claim_batch(services, jobs, run) as held:
        yield held


async def holders(services: Services) -> list[tuple[str | None, str | None]]:
    """Who holds jobs and runs."""
    found = await query(
        services,
        """
        SELECT j.claimed_by, r.held_by FROM upload_pipeline.upload_jobs AS j
        JOIN upload_pipeline.ingest_runs AS r ON r.id = j.run_id
        """,
    )
    return [(row["claimed_by"], row["held_by"]) for row in found]


@pytest.mark.parametrize("what", LEASES)
async def test_work_longer_than_a_lease_stays_its_workers(
    what: str, local: Opener, folder: Path
) -> None:
    """The jobs, the texts whose requests are in flight, and the run are held for longer in time."""
    async with local(lease_seconds=LEASE_SECONDS) as services, working(services, folder) as held:
        if what == "document_vector_buffer":
            await until_chunked(services, held)
            await reserve(services, held.job_ids)
        assert await beats(services, what)


async def reserve(services: Services, jobs: list[UUID]) -> None:
    """Texts as they are while their requests are in flight."""
    async with services.database.service() as connection:
        found = await vector_buffer.reserve(
            connection, jobs, services.version.space_id, services.worker, LEASE_SECONDS
        )
    assert found.texts


async def test_a_heartbeat_outlives_a_database_that_was_away(
    local: Opener, folder: Path, database_url: str, postgres_url: str
) -> None:
    """Beats that reach no database are missed, and the next ones are made again."""
    name = database_url.rpartition("/")[2].partition("?")[0]
    async with local(lease_seconds=2) as services, working(services, folder):
        administer(postgres_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        administer(
            postgres_url,
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        await asyncio.sleep(2)  # three beats
        administer(postgres_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await change(
            services,
            "UPDATE upload_pipeline.upload_jobs SET lease_until = now() + interval '1 hour'",
        )
        assert await beats(services, "upload_jobs")
        assert await beats(services, "ingest_runs")


async def test_what_a_worker_has_left_is_free_at_once(local: Opener, folder: Path) -> None:
    """A batch gives its unfinished jobs back, and its run owns them no longer."""
    async with local() as services:
        async with working(services, folder):
            assert await holders(services) == [(services.worker, services.worker)]
        assert await holders(services) == [(None, None)]


async def work_on(services: Services, folder: Path) -> None:
    async with working(services, folder):
        await asyncio.Event().wait()


async def test_what_is_claimed_while_its_run_is_cancelled_is_given_back(
    local: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is committed, its answer is still on the way, and then the cancellation comes."""
    real, committed = batch._claim, asyncio.Event()

    async def slow(*given: Any) -> list[ClaimedJob]:
        held = await real(*given)
        committed.set()
        await asyncio.sleep(0.5)
        return held

    monkeypatch.setattr(batch, "_claim", slow)
    async with local() as services:
        work = asyncio.create_task(work_on(services, folder))
        await committed.wait()
        assert await holders(services) == [(services.worker, services.worker)]
        work.cancel()
        await asyncio.wait([work])
        assert work.cancelled()
        assert await holders(services) == [(None, None)]
