"""Compares a work pool and its queues with what is declared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prefect.workers.process import ProcessWorker

from deployments.drift import origins
from deployments.drift.difference import Area, Difference
from deployments.drift.explaining import (
    POOL_LIMIT,
    POOL_MISSING,
    POOL_PAUSED,
    POOL_TEMPLATE,
    POOL_TYPE,
    QUEUE_EXTRA,
    QUEUE_LIMIT,
    QUEUE_MISSING,
    QUEUE_PAUSED,
    QUEUE_PRIORITY,
    Explanation,
)
from deployments.drift.history import NO_HISTORY, History
from deployments.drift.prefect_server import Found, OnServer
from deployments.environment import Environment, Queue, WorkPool
from deployments.job_templates import job_template

_KINDS = {Area.WORK_POOL: "work-pool", Area.QUEUE: "work-queue"}
_KEPT_AS = {
    "limit": "concurrency_limit",
    "priority": "priority",
    "job template": "base_job_template",
    "paused": "is_paused",
}
"""What Prefect's events call a field."""
_UNPAUSED, _PAUSED = "runs start", "paused"


def declared_templates(environment: Environment) -> Sequence[Mapping[str, Any]]:
    """The base job templates that are as declared; the last one is set where there is another.

    A process pool is made without one, and its first worker gives it Prefect's own.
    """
    if environment.pool.type == "process":
        return [{}, ProcessWorker.get_default_base_job_template()]
    return [job_template(environment)]


def pool_drift(environment: Environment, found: OnServer) -> Iterator[Difference]:
    """The pool, and each of its queues."""
    declared = environment.pool
    if (pool := found.pool) is None:
        yield _difference(
            Area.WORK_POOL, declared.name, "", declared.type, None, POOL_MISSING,
            history=found.history,
        )  # fmt: skip
        return

    def differs(field: str, wanted: object, there: object, told: Explanation) -> Difference:
        return _difference(
            Area.WORK_POOL, declared.name, field, wanted, there, told, pool, found.history
        )

    if pool["type"] != declared.type:
        yield differs("type", declared.type, pool["type"], POOL_TYPE)
    templates = declared_templates(environment)
    if pool["base_job_template"] not in templates:
        yield differs("job template", templates[-1], pool["base_job_template"], POOL_TEMPLATE)
    if pool["concurrency_limit"] != declared.limit:
        yield differs("limit", declared.limit, pool["concurrency_limit"], POOL_LIMIT)
    if pool["is_paused"]:
        yield differs("paused", _UNPAUSED, _PAUSED, POOL_PAUSED)
    yield from _queues(declared, found)


def _queues(declared: WorkPool, found: OnServer) -> Iterator[Difference]:
    there = {each["name"]: each for each in found.queues}
    # Prefect makes the queue `default` with every pool.
    wanted = {"default": Queue(), **declared.queues}
    for name, queue in wanted.items():
        is_there = there.pop(name, None)
        if is_there is None:
            yield _difference(
                Area.QUEUE, name, "", _queue(queue), None, QUEUE_MISSING, history=found.history
            )
        else:
            yield from _queue_drift(queue, is_there, name in declared.queues, found.history)
    for name, extra in sorted(there.items()):
        yield _difference(
            Area.QUEUE, name, "", None, f"priority {extra['priority']}", QUEUE_EXTRA, extra
        )


def _queue_drift(
    declared: Queue, found: Found, is_declared: bool, history: History
) -> Iterator[Difference]:
    def differs(field: str, wanted: object, there: object, told: Explanation) -> Difference:
        name = str(found["name"])
        return _difference(Area.QUEUE, name, field, wanted, there, told, found, history)

    if is_declared and found["priority"] != declared.priority:
        yield differs("priority", declared.priority, found["priority"], QUEUE_PRIORITY)
    if found["concurrency_limit"] != declared.limit:
        yield differs("limit", declared.limit, found["concurrency_limit"], QUEUE_LIMIT)
    if found["is_paused"]:
        yield differs("paused", _UNPAUSED, _PAUSED, QUEUE_PAUSED)


def _queue(queue: Queue) -> str:
    return f"priority {queue.priority}, limit {queue.limit or 'none'}"


def _difference(
    area: Area,
    subject: str,
    field: str,
    declared: object,
    found: object,
    told: Explanation,
    there: Found | None = None,
    history: History = NO_HISTORY,
) -> Difference:
    kind = _KINDS[area]
    if there is None:
        who = origins.of_missing_object(kind, subject, history)
    else:
        who = origins.of_prefect_object(there, history, kind, _KEPT_AS.get(field, ""))
    return Difference(
        area, subject, field, _told(declared), _told(found), told.means, who, told.repair,
        told.remedy,
    )  # fmt: skip


def _told(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
