"""Makes an environment's work pool and queues on its Prefect server, and compares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deployments.environment import Environment, WorkPool
from deployments.job_templates import job_template
from deployments.pool_differences import PoolDifference, pool_differences
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
    """In what the server's pool differs from the environment's: the part, and one sentence.

    Queues that the environment does not name are no problem: a person's own flows may use them.
    """
    pool = environment.pool
    found = server.read(path_of(_POOLS, pool.name))
    names = {"default", *pool.queues}
    read = (
        [server.read(path_of(_POOLS, pool.name, "queues", each)) for each in names] if found else []
    )
    queues = [each for each in read if each is not None]
    for each in pool_differences(pool, found, queues, _templates(environment, found)):
        yield ("work pool" if each.queue is None else f"queue {each.queue}"), _sentence(pool, each)


def _templates(environment: Environment, found: Mapping[str, Any] | None) -> list[Any]:
    """That of a process pool is Prefect's own, which is not known without importing Prefect."""
    if (
        environment.pool.type == "process"
        or found is None
        or found["type"] != environment.pool.type
    ):
        return [found["base_job_template"] if found else None]
    return [job_template(environment)]


def _sentence(pool: WorkPool, each: PoolDifference) -> str:
    what = f"The queue {each.queue}" if each.queue else f"The work pool {pool.name}"
    match each.field:
        case "type":
            return f"{what} is of type {each.found}, not {each.declared}."
        case "job template":
            return f"{what} has another job template."
        case "limit":
            return f"{what} has {_limit(each.found)}, not {_limit(each.declared)}."
        case "priority":
            return f"{what} has the priority {each.found}, not {each.declared}."
        case "paused":
            return f"{what} is paused."
    if each.queue:
        return f"The work pool {pool.name} has no queue {each.queue}."
    return f"There is no work pool {pool.name} on the server."


def _limit(limit: int | None) -> str:
    return "no limit" if limit is None else f"the limit {limit}"
