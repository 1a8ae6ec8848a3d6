"""Permission to send a request, of a process that is held up while it asks."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

from pipeline.identity import user_id
from pipeline.store import vector_buffer
from pipeline.store.cost_caps import Reservation
from stages.admission_control import Admission
from stages.batch import claim_batch
from stages.fencing import needed_seconds
from tests.flows.corpus import Opener, change, policy, query
from tests.ingesting import accept
from tests.pipeline.store.making import new_run
from tests.pipeline.store.waiting import until_somebody_waits
from tests.stages.test_fenced_stages import TAKE_OVER, until_chunked

ANNA = user_id("anna")
LEASE_SECONDS = 3.0
HOLD_UP = "UPDATE upload_pipeline.ingest_runs SET max_cost_usd = 1"


async def test_what_was_allowed_too_long_ago_is_asked_for_again(
    remote: Opener, folder: Path
) -> None:
    """Others take all between the look at the leases and the answer: nothing is sent."""
    policy(folder, "home")
    async with remote(lease_seconds=LEASE_SECONDS) as services:
        run = await new_run(services.database, ANNA)
        await change(services, HOLD_UP)
        jobs = await accept(services, [folder], ANNA)
        async with claim_batch(services, jobs, run) as held:
            await until_chunked(services, held)
            async with services.database.service() as connection:
                reserved = await vector_buffer.reserve(
                    connection, jobs, services.version.space_id, services.worker, LEASE_SECONDS
                )
            texts = reserved.texts
            assert texts
            async with services.database.owner() as other:
                await other.exec_driver_sql(HOLD_UP)
                asking = asyncio.create_task(
                    Admission(services, held).admit(texts, lambda tokens: Decimal("0.1"))
                )
                await until_somebody_waits(services.database, asking)
                await change(services, TAKE_OVER)
                await asyncio.sleep(needed_seconds(services))
            assert await asking == ([], Reservation())
        found = await query(services, "SELECT reserved_usd FROM upload_pipeline.ingest_runs")
        assert {row["reserved_usd"] for row in found} == {0}
