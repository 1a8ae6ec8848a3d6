"""Cuts a run's waiting jobs into batches: one document each while small, larger beyond.

Prefect keeps what a run is called for ever and cannot forget it at a person's wish, so a run is
named by its jobs' ids. `navigator status ID`, the dashboard and every report tell the names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pipeline.store.run_jobs import WaitingJob

SINGLE_UP_TO = 32
"""Documents in a run up to which each has a subflow of its own, so that it reads well in the UI."""

BATCH_DOCUMENTS = 512
BATCH_BYTES = 64 * 1024 * 1024
"""A batch ends at so many documents or bytes of files, whichever comes first."""


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """Jobs that go through the stages together, and what their run is called."""

    job_ids: list[UUID]
    label: str


def cut(jobs: Sequence[WaitingJob], batch_size: int | None) -> list[PlannedBatch]:
    """Cut jobs into batches by count and bytes, in order; a larger file is a batch alone.

    All documents of a batch were accepted under one pipeline version.
    """
    size = batch_size or (1 if len(jobs) <= SINGLE_UP_TO else BATCH_DOCUMENTS)
    groups: list[list[WaitingJob]] = []
    room = 0
    for job in sorted(jobs, key=lambda each: str(each.version)):
        if (
            not groups
            or len(groups[-1]) == size
            or job.file_bytes > room
            or groups[-1][0].version != job.version
        ):
            groups.append([])
            room = BATCH_BYTES
        groups[-1].append(job)
        room -= job.file_bytes
    return [PlannedBatch([job.job_id for job in group], _label(group)) for group in groups]


def full_batches(jobs: Sequence[WaitingJob], batch_size: int | None) -> list[PlannedBatch]:
    """Those batches that can begin while more jobs are coming: the ones that are full."""
    size = batch_size or BATCH_DOCUMENTS
    return cut(jobs[: len(jobs) // size * size], size)


def _label(group: Sequence[WaitingJob]) -> str:
    first, last = (job_title(job.job_id) for job in (group[0], group[-1]))
    return first if len(group) == 1 else f"{len(group)} documents: {first} … {last}"


def job_title(job_id: UUID) -> str:
    """What a job is called in Prefect; `navigator status` finds it by the id in it."""
    return f"job {str(job_id)[:8]}"
