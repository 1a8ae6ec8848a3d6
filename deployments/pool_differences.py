"""Compares a work pool and its queues with an environment's: the one rule, for checks and drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.environment import Queue, WorkPool

THERE = ""
"""The field of a difference that is about the pool or queue as a whole."""


@dataclass(frozen=True, slots=True)
class PoolDifference:
    """One thing that is not as declared.

    Attributes:
        queue: its name; None for the pool itself.
        field: type, job template, limit, priority or paused; `THERE`: it is missing, or extra.
        declared: None when it is extra. found: None when it is missing.
        there: the pool or queue as the server has it.
    """

    queue: str | None
    field: str
    declared: Any
    found: Any
    there: Mapping[str, Any] | None = None


def pool_differences(
    pool: WorkPool,
    found: Mapping[str, Any] | None,
    queues: Sequence[Mapping[str, Any]],
    templates: Sequence[Mapping[str, Any]],
) -> Iterator[PoolDifference]:
    """Every difference of the pool, then of each queue; of a pool that is missing only that.

    Args:
        found: the server's pool of this name, and its queues.
        templates: the base job templates that are as declared, the best one last.
    """
    if found is None:
        yield PoolDifference(None, THERE, pool.type, None)
        return
    if found["type"] != pool.type:
        yield PoolDifference(None, "type", pool.type, found["type"], found)
    template = found["base_job_template"]
    if template not in templates:
        yield PoolDifference(None, "job template", templates[-1], template, found)
    if found["concurrency_limit"] != pool.limit:
        yield PoolDifference(None, "limit", pool.limit, found["concurrency_limit"], found)
    if found["is_paused"]:
        yield PoolDifference(None, "paused", False, True, found)
    yield from _queues(pool, queues)


def _queues(pool: WorkPool, queues: Sequence[Mapping[str, Any]]) -> Iterator[PoolDifference]:
    there = {str(each["name"]): each for each in queues}
    # Prefect makes the queue `default` with every pool.
    for name, queue in {"default": Queue(), **pool.queues}.items():
        found = there.pop(name, None)
        if found is None:
            yield PoolDifference(name, THERE, queue, None)
            continue
        if name in pool.queues and found["priority"] != queue.priority:
            yield PoolDifference(name, "priority", queue.priority, found["priority"], found)
        if found["concurrency_limit"] != queue.limit:
            yield PoolDifference(name, "limit", queue.limit, found["concurrency_limit"], found)
        if found["is_paused"]:
            yield PoolDifference(name, "paused", False, True, found)
    for name, extra in sorted(there.items()):
        yield PoolDifference(name, THERE, None, extra, extra)
