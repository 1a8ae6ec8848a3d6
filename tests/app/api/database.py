"""Looking behind the API: what stands in its database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa

from pipeline.states import Stop
from pipeline.store import stops
from pipeline.store.engine import rows
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor
from tests.app.api.serving import RunningApi


def rows_of(api: RunningApi, table: str, user: UUID) -> list[dict[str, Any]]:
    """A user's rows of a table, as the pipeline sees them."""
    query = sa.text(f"SELECT * FROM {SCHEMA}.{table} WHERE user_id = :user")

    async def read() -> list[dict[str, Any]]:
        async with api.parts.database.service() as connection:
            return [dict(row) for row in await rows(connection, query, {"user": user})]

    return api.run(read())


def stopped(api: RunningApi, client: httpx.Client, *jobs: str) -> str:
    """Have a cost cap stop the jobs in a run of theirs; the run's id."""
    run = str(client.get(f"/jobs/{jobs[0]}").json()["run_id"])

    async def stop() -> None:
        async with api.parts.database.service() as connection:
            await connection.execute(
                sa.text(
                    "UPDATE upload_pipeline.upload_jobs SET run_id = :run WHERE id = ANY(:ids)"
                ),
                {"run": UUID(run), "ids": [UUID(job) for job in jobs]},
            )
            await connection.execute(
                sa.text(
                    "INSERT INTO upload_pipeline.run_jobs"
                    " (run_id, job_id, user_id, source, outcome)"
                    " SELECT :run, id, user_id, '', 'new' FROM upload_pipeline.upload_jobs"
                    " WHERE id = ANY(:ids) ON CONFLICT DO NOTHING"
                ),
                {"run": UUID(run), "ids": [UUID(job) for job in jobs]},
            )
            who = Actor("worker", UUID(run))
            await stops.stop_run(connection, Stop.COST_CAP, who, "The cost cap is reached.")

    api.run(stop())
    return run


def lose_original(api: RunningApi, job: str) -> None:
    """Take a job's stored file away, past everything that knows of it."""
    query = sa.text(f"SELECT storage_key FROM {SCHEMA}.upload_jobs WHERE id = :job")

    async def lose() -> None:
        async with api.parts.database.service() as connection:
            key = str(await connection.scalar(query, {"job": job}))
        await api.parts.storage.delete([key])

    api.run(lose())
