"""Makes an environment's work pool and queues on its Prefect server, and compares them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployments.environment import Environment, WorkPool
from deployments.job_templates import job_template
from deployments.prefect_api import PrefectApi, path_of
from pipeline.errors import ConfigurationError

_POOLS = "work_pools"


def put_work_pool(server: PrefectApi, environment: Environment) -> None:
    """Have the server's pool be the environment's: job template, limit, queues with theirs.

    Whether it is paused stays as it is, and so does a queue that the environment does not name:
    a person's own flows may use it.

    Raises:
        ConfigurationError: there is a pool of this name and another type, which Prefect cannot
            change, or runs cannot have their secrets.
    """
    pool = environment.pool
    wanted = {"base_job_template": job_template(environment), "concurrency_limit": pool.limit}
    if not server.make(f"{_POOLS}/", {"name": pool.name, "type": pool.type, **wanted}):
        found = server.read(path_of(_POOLS, pool.name))
        require_type(pool, found["type"])
        if pool.type == "process":
            del wanted["base_job_template"]  # Prefect's own worker fills it in
        server.change(path_of(_POOLS, pool.name), wanted)
    for name, queue in sorted(pool.queues.items(), key=lambda each: each[1].priority):
        limits = {"concurrency_limit": queue.limit, "priority": queue.priority}
        made = server.make(path_of(_POOLS, pool.name, "queues"), {"name": name, **limits})
        if not made:
            server.change(path_of(_POOLS, pool.name, "queues", name), limits)


def require_type(pool: WorkPool, found: str) -> None:
    """Require that the server's pool is of the environment's type.

    Raises:
        ConfigurationError: it is of another, which Prefect cannot change.
    """
    if found != pool.type:
        raise ConfigurationError(
            f"The work pool {pool.name} is of type {found}, not {pool.type}, and cannot be changed "
            "into another.",
            remedy="Name another pool in the environment, or remove this one with "
            f"`prefect work-pool delete {pool.name}`, which ends its schedules.",
        )


def work_pool_problems(server: PrefectApi, environment: Environment) -> Iterator[tuple[str, str]]:
    """In what the server's pool differs from the environment's: the part, and one sentence."""
    pool = environment.pool
    found = server.read(path_of(_POOLS, pool.name))
    if found is None:
        yield "work pool", f"There is no work pool {pool.name} on the server."
        return
    for problem in _pool_problems(environment, found):
        yield "work pool", problem
    for name, queue in pool.queues.items():
        part = f"queue {name}"
        there = server.read(path_of(_POOLS, pool.name, "queues", name))
        if there is None:
            yield part, f"The work pool {pool.name} has no queue {name}."
            continue
        if there["concurrency_limit"] != queue.limit:
            told, wanted = _limit(there["concurrency_limit"]), _limit(queue.limit)
            yield part, f"The queue {name} has {told}, not {wanted}."
        if there["priority"] != queue.priority:
            told, wanted = there["priority"], str(queue.priority)
            yield part, f"The queue {name} has the priority {told}, not {wanted}."


def _pool_problems(environment: Environment, found: dict[str, Any]) -> Iterator[str]:
    pool = environment.pool
    if found["type"] != pool.type:
        yield f"The work pool {pool.name} is of type {found['type']}, not {pool.type}."
    elif pool.type != "process" and found["base_job_template"] != job_template(environment):
        yield f"The work pool {pool.name} has another job template."
    if found["concurrency_limit"] != pool.limit:
        told, wanted = _limit(found["concurrency_limit"]), _limit(pool.limit)
        yield f"The work pool {pool.name} has {told}, not {wanted}."
    if found["is_paused"]:
        yield f"The work pool {pool.name} is paused."


def _limit(limit: int | None) -> str:
    return "no limit" if limit is None else f"the limit {limit}"
