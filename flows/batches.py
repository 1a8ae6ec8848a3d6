"""Cuts a run's waiting jobs into batches: one document each while small, larger beyond.

A small run that is not followed in Prefect's UI is one batch too (`flows.origin`): a subflow costs
Prefect and Postgres more than a document does.

Prefect keeps what a run is called for ever and cannot forget it at a person's wish, so a run is
named by its jobs' ids. `navigator status ID`, the dashboard and every report tell the names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pipeline.store.run_jobs import WaitingJob

SINGLE_UP_TO = 32
"""Documents in a run up to which each has a subflow of its own, where it is followed in the UI."""

BATCH_DOCUMENTS = 512
BATCH_BYTES = 64 * 1024 * 1024
"""A batch ends at so many documents or bytes of files, whichever comes first."""

LEAST_SHARED = 16
"""Documents of a batch, at least, where several workers share a run: less is mostly hand-over."""


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """Jobs that go through the stages together, and what their run is called."""

    job_ids: list[UUID]
    label: str


def are_single(documents: int, *, followed: bool) -> bool:
    """Whether each of a run's documents has a batch of its own, unless a size was asked for.

    Args:
        followed: the run is followed in Prefect's UI.
    """
    return documents <= (SINGLE_UP_TO if followed else 1)


def cut(jobs: Sequence[WaitingJob], batch_size: int | None) -> list[PlannedBatch]:
    """Cut jobs into batches by count and bytes, in order; a larger file is a batch alone.

    All documents of a batch were accepted under one pipeline version.
    """
    size = batch_size or (1 if len(jobs) <= SINGLE_UP_TO else BATCH_DOCUMENTS)
    left: Sequence[WaitingJob] = in_order(jobs)
    batches: list[PlannedBatch] = []
    while left:
        batch, left = next_batch(left, size)
        batches.append(batch)
    return batches


def in_order(jobs: Sequence[WaitingJob]) -> list[WaitingJob]:
    """Jobs as batches are cut from them: those of one pipeline version together."""
    return sorted(jobs, key=lambda each: str(each.version))


def next_batch(jobs: Sequence[WaitingJob], size: int) -> tuple[PlannedBatch, Sequence[WaitingJob]]:
    """The batch that is cut from the front of jobs in order, and the jobs that are left."""
    count, room = 1, BATCH_BYTES - jobs[0].file_bytes
    for job in jobs[1:size]:
        if job.file_bytes > room or job.version != jobs[0].version:
            break
        count, room = count + 1, room - job.file_bytes
    group = jobs[:count]
    return PlannedBatch([job.job_id for job in group], _label(group)), jobs[count:]


def shared_size(documents: int, places: int) -> int:
    """How many documents the next of several workers' batches has.

    Each takes its part of half of what is left, so that the batches become smaller towards the end
    and no worker is left with a large one while the others have nothing.

    Args:
        documents: those that no batch has yet.
        places: batches that the workers take through at the same time.
    """
    even = math.ceil(documents / (2 * places))
    return max(LEAST_SHARED, min(BATCH_DOCUMENTS, even))


def _label(group: Sequence[WaitingJob]) -> str:
    first, last = (job_title(job.job_id) for job in (group[0], group[-1]))
    return first if len(group) == 1 else f"{len(group)} documents: {first} … {last}"


def job_title(job_id: UUID) -> str:
    """What a job is called in Prefect; `navigator status` finds it by the id in it."""
    return f"job {str(job_id)[:8]}"
