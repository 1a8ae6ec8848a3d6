"""Decides when Prefect retries a task: only transient errors, with exponential backoff."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from pipeline.errors import TransientError
from pipeline.retry_policy import TASK_BACKOFF, TASK_JITTER, TASK_RETRIES
from stages.service_waits import DocumentsWait

RETRY_DELAYS = exponential_backoff(backoff_factor=TASK_BACKOFF)
"""2, 4, 8, 16 seconds, each with jitter."""


async def is_transient(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether another attempt may succeed: the error's class says so.

    Not of requests to a service: each of them has had its own attempts.
    """
    outcome = await state.aresult(raise_on_failure=False)
    return isinstance(outcome, TransientError) and not isinstance(outcome, DocumentsWait)


RETRYING: dict[str, Any] = {
    "retries": TASK_RETRIES,
    "retry_delay_seconds": RETRY_DELAYS,
    "retry_jitter_factor": TASK_JITTER,
    "retry_condition_fn": is_transient,
}
"""What every task that may be tried again is declared with."""
