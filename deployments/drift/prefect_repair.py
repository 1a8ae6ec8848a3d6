"""Sets back on Prefect's server what differs: pool, queues, deployments, block types."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.settings import get_current_settings

from deployments.automation_changes import automations, put_automation
from deployments.block_types import register_block_types
from deployments.drift.declared import DeclaredDeployments, declared_by, flow_name
from deployments.drift.deploying import deploy
from deployments.drift.deployment_fields import differences
from deployments.drift.deployment_repair import set_back
from deployments.drift.difference import Area, Difference
from deployments.drift.pool_drift import declared_templates
from deployments.drift.prefect_server import read_server
from deployments.environment import Environment
from deployments.prefect_answers import prefect_answers
from deployments.prefect_api import prefect_api
from deployments.rendering import TAG

Wanted = dict[tuple[Area, str], set[str]]
"""What to set back: the fields of each object; an empty name for the object itself."""


async def repair_prefect(
    environment: Environment, release: str | None, chosen: Iterable[Difference]
) -> None:
    """Set these differences back.

    Raises:
        ServiceUnavailable: the server does not answer, or does not deploy.
    """
    wanted: Wanted = {}
    for each in chosen:
        wanted.setdefault((each.area, each.subject), set()).add(each.field)
    declared = declared_by(environment, release)
    with prefect_answers():
        async with get_client() as client:
            await _pool(client, environment, wanted)
            await _queues(client, environment, wanted)
            await register_block_types(client, [n for a, n in wanted if a is Area.BLOCK_TYPE])
            await _fields(client, environment, declared, wanted)
    missing = [n for (area, n), names in wanted.items() if area is Area.DEPLOYMENT and "" in names]
    if missing:
        await deploy(declared, missing)
    if named := [name for (area, name) in wanted if area is Area.AUTOMATION]:
        await asyncio.to_thread(_put_automations, environment, named)


def _put_automations(environment: Environment, names: Iterable[str]) -> None:
    """After the deployments, which they name by their ids."""
    settings = get_current_settings().api
    auth = settings.auth_string.get_secret_value() if settings.auth_string else None
    with prefect_api(str(settings.url), auth, changing=True) as server:
        there = automations(server)
        for name in names:
            put_automation(server, environment, name, there.get(name))


async def _pool(client: PrefectClient, environment: Environment, wanted: Wanted) -> None:
    pool = environment.pool
    fields = wanted.get((Area.WORK_POOL, pool.name), set())
    if "" in fields:
        made = WorkPoolCreate(name=pool.name, type=pool.type, concurrency_limit=pool.limit)
        await client.create_work_pool(made)
        for name in pool.queues:  # `default` came with it
            wanted.setdefault((Area.QUEUE, name), set()).update({"priority", "limit"})
            if name != "default":
                wanted[Area.QUEUE, name].add("")
    if "limit" in fields:
        change = WorkPoolUpdate(concurrency_limit=pool.limit)
        await client.update_work_pool(pool.name, change)
    if "job template" in fields:
        template = dict(declared_templates(environment)[-1])
        await client.update_work_pool(pool.name, WorkPoolUpdate(base_job_template=template))


async def _queues(client: PrefectClient, environment: Environment, wanted: Wanted) -> None:
    pool = environment.pool
    for name, queue in pool.queues.items():
        fields = wanted.get((Area.QUEUE, name), set())
        if "" in fields:
            await client.create_work_queue(
                name,
                priority=queue.priority,
                concurrency_limit=queue.limit,
                work_pool_name=pool.name,
            )
        elif fields:
            there = await client.read_work_queue_by_name(name, pool.name)
            values = {"priority": queue.priority, "concurrency_limit": queue.limit}
            await client.update_work_queue(there.id, **values)


async def _fields(
    client: PrefectClient, environment: Environment, declared: DeclaredDeployments, wanted: Wanted
) -> None:
    flows = sorted({flow_name(each) for each in declared.deployments})
    found = await read_server(client, environment.pool.name, flows, TAG)
    for each in found.deployments:
        names = wanted.get((Area.DEPLOYMENT, each["name"]), set()) - {""}
        if names:
            made = differences(declared.named(each["name"]), each, declared.pull)
            await set_back(client, declared, each, [e for e in made if e.name in names])
