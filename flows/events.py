"""Emits Prefect events of what became of documents and runs, so that automations can act.

They name ids and counts, nothing else: Prefect could not forget names.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.runtime import flow_run

from pipeline.states import FAILED, WORKING, JobState
from pipeline.store.runs import Progress

MOST_DOCUMENTS = 100
"""Failures of one batch that are told one by one; the others are in the run's counts."""


def _prefect_run(run: UUID) -> str:
    return f"prefect.flow-run.{flow_run.id or run}"


def documents_ended(
    run: UUID, failed: Sequence[UUID], quarantined: Sequence[UUID], published: int
) -> None:
    """Tell a batch's documents: each that failed or was quarantined, how many were published.

    Args:
        failed, quarantined: their jobs.
    """
    source = {"prefect.resource.id": f"navigator.run.{run}", "prefect.resource.role": "run"}
    for ending, jobs in {"failed": failed, "quarantined": quarantined}.items():
        for job in jobs[:MOST_DOCUMENTS]:
            resource = {"prefect.resource.id": f"navigator.job.{job}"}
            emit_event(f"navigator.document.{ending}", resource, related=[source])
    if published:
        resource = {"prefect.resource.id": f"navigator.run.{run}"}
        emit_event("navigator.document.published", resource, payload={"documents": published})


def run_finished(run: UUID, ending: State, progress: Progress) -> None:
    """Tell how a run ended, with its counts."""
    emit_event(
        "navigator.run.finished",
        {
            "prefect.resource.id": _prefect_run(run),
            "navigator.run": str(run),
            "navigator.ending": ending.name or "",
        },
        payload={
            "published": progress.count([JobState.COMPLETE]),
            "published_with_gaps": progress.count([JobState.COMPLETE_WITH_GAPS]),
            "failed": progress.count(FAILED) - progress.count([JobState.QUARANTINED]),
            "quarantined": progress.count([JobState.QUARANTINED]),
            "cancelled": progress.count([JobState.CANCELLED]),
            "waiting": progress.count(WORKING),
            "unchanged": progress.unchanged,
        },
    )
