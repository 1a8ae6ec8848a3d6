"""Why jobs ended without their documents being published, for the logs of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import FAILED
from pipeline.store.engine import records
from pipeline.store.schema import SCHEMA


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job ended without its document being published.

    Attributes:
        name: the document's, or the beginning of the job's id.
    """

    name: str
    state: str
    message: str
    remedy: str

    @property
    def told(self) -> str:
        """Reason and remedy as sentences."""
        return f"{self.message} {self.remedy}".strip()


_FAILURES = sa.text(
    f"""
    SELECT 'job ' || left(j.id::text, 8) AS name, j.state, coalesce(j.error_message, '') AS message,
           coalesce(j.error_remedy, '') AS remedy
    FROM {SCHEMA}.upload_jobs AS j
    WHERE j.id = ANY(:ids) AND j.state = ANY(:failed) ORDER BY j.id
    """  # noqa: S608
)


async def failures(connection: AsyncConnection, job_ids: Sequence[UUID]) -> list[JobFailure]:
    """Those of these jobs that ended in failure or quarantine, named by their ids."""
    values = {"ids": list(job_ids), "failed": [state.value for state in FAILED]}
    return await records(connection, JobFailure, _FAILURES, values)
