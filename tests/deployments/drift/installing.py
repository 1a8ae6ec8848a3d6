"""Puts what an environment declares on a Prefect server, without its command: for comparisons."""

from __future__ import annotations

from typing import Any

from prefect.client.orchestration import PrefectClient, get_client

from deployments.block_types import register_block_types
from deployments.drift.declared import declared_by, flow_name
from deployments.drift.deployment_repair import _schedule
from deployments.environment import Environment


async def install(environment: Environment) -> None:
    """Make pool, queues, block types and deployments as declared."""
    from prefect.client.schemas.actions import WorkPoolCreate

    pool = environment.pool
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=pool.name, type=pool.type))
        await client.create_work_queue("batches", work_pool_name=pool.name)
        await register_block_types(client)
        declared = declared_by(environment)
        for each in declared.deployments:
            await _deploy(client, each, declared.pull)


async def _deploy(client: PrefectClient, each: Any, pull: Any) -> None:
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.objects import ConcurrencyOptions

    limit = each["concurrency_limit"]
    await client.create_deployment(
        flow_id=await client.create_flow_from_name(flow_name(each)),
        name=each["name"],
        entrypoint=each["entrypoint"],
        description=each["description"],
        tags=each["tags"],
        parameters=each["parameters"],
        parameter_openapi_schema={"type": "object", "properties": {}},
        pull_steps=[dict(step) for step in pull],
        work_pool_name=each["work_pool"]["name"],
        work_queue_name=each["work_pool"]["work_queue_name"],
        concurrency_limit=limit["limit"],
        concurrency_options=ConcurrencyOptions(collision_strategy=limit["collision_strategy"]),
        enforce_parameter_schema=True,
        schedules=[
            DeploymentScheduleCreate(schedule=_schedule(s), active=s["active"], slug=s["slug"])
            for s in each.get("schedules", ())
        ],
    )
