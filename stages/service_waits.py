"""Defers documents that wait for a service, each with its reason, while the others go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

from pipeline.errors import ServiceUnavailable, TransientError
from pipeline.logs import logger
from pipeline.store import claims
from stages.batch import Batch
from stages.circuit_breaker import CIRCUIT_OPEN
from stages.services import Services

_LOG = logger("navigator.batch")


class DocumentsWait(ServiceUnavailable):
    """Documents are deferred: a service gave no answer for them, the others have gone on.

    Args:
        waiting: the reason of each job; not empty.
        provider: the service, as its budget is named.
    """

    def __init__(self, waiting: Mapping[UUID, TransientError], provider: str) -> None:
        first = next(iter(waiting.values()))
        super().__init__(first.message, code=first.code, remedy=first.remedy)
        self.waiting = dict(waiting)
        self.provider = provider


async def note_wait(services: Services, batch: Batch, wait: DocumentsWait) -> None:
    """Record why documents are deferred; it is no failure of theirs and never ends them."""
    _LOG.warning(
        "documents_deferred", run_id=str(batch.run_id), code=wait.code, jobs=len(wait.waiting)
    )
    reasons: dict[str, list[UUID]] = defaultdict(list)
    for job, error in wait.waiting.items():
        reasons[error.code].append(job)
    with suppress(TransientError):
        async with services.database.service() as connection:
            for code, jobs in sorted(reasons.items()):
                held = [each for each in batch.claims if each.job_id in set(jobs)]
                provider = wait.provider if code == CIRCUIT_OPEN else None
                error = wait.waiting[jobs[0]]
                await claims.note_trouble(connection, held, services.worker, error, provider)
