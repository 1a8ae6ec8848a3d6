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
from deployments.drift.prefect_server import OnServer
from deployments.environment import Environment, Queue
from deployments.job_templates import job_template
from deployments.pool_differences import THERE, PoolDifference, pool_differences

_KINDS = {Area.WORK_POOL: "work-pool", Area.QUEUE: "work-queue"}
_KEPT_AS = {
    "limit": "concurrency_limit",
    "priority": "priority",
    "job template": "base_job_template",
    "paused": "is_paused",
}
"""What Prefect's events call a field."""
_OF_POOL = {
    THERE: POOL_MISSING, "type": POOL_TYPE, "job template": POOL_TEMPLATE, "limit": POOL_LIMIT,
    "paused": POOL_PAUSED,
}  # fmt: skip
_OF_QUEUE = {
    THERE: QUEUE_MISSING, "priority": QUEUE_PRIORITY, "limit": QUEUE_LIMIT, "paused": QUEUE_PAUSED,
}  # fmt: skip
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
    templates = declared_templates(environment)
    for each in pool_differences(environment.pool, found.pool, found.queues, templates):
        yield _difference(environment.pool.name, each, found.history)


def _queue(queue: Queue) -> str:
    return f"priority {queue.priority}, limit {queue.limit or 'none'}"


def _difference(pool: str, each: PoolDifference, history: History) -> Difference:
    area = Area.WORK_POOL if each.queue is None else Area.QUEUE
    subject, kind = each.queue or pool, _KINDS[area]
    if each.there is None:
        who = origins.of_missing_object(kind, subject, history)
    else:
        known = NO_HISTORY if _is_extra(each) else history
        who = origins.of_prefect_object(each.there, known, kind, _KEPT_AS.get(each.field, ""))
    told = _explanation(each)
    declared, found = _values(each)
    return Difference(
        area, subject, each.field, declared, found, told.means, who, told.repair, told.remedy
    )


def _is_extra(each: PoolDifference) -> bool:
    return each.field == THERE and each.declared is None


def _explanation(each: PoolDifference) -> Explanation:
    if _is_extra(each):
        return QUEUE_EXTRA
    return (_OF_POOL if each.queue is None else _OF_QUEUE)[each.field]


def _values(each: PoolDifference) -> tuple[str | None, str | None]:
    """Declared and found, for a person."""
    if each.field == "paused":
        return _UNPAUSED, _PAUSED
    if each.field != THERE or each.queue is None:
        return _told(each.declared), _told(each.found)
    declared = None if each.declared is None else _queue(each.declared)
    return declared, None if each.found is None else f"priority {each.found['priority']}"


def _told(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
