"""Schedules added sources: a Prefect deployment of `sync-source` for each, named as the source.

The row in the database is the truth: a deployment that is missing or differs is made again from it,
and a run of a source that is paused there does nothing. Pool, queue and pull step are those of the
deployment `ingest` of prefect.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.exceptions import ObjectNotFound

from pipeline.errors import UsageError
from pipeline.installation import prefect_file
from pipeline.source_definition import SourceDefinition

FLOW = "sync-source"
ENTRYPOINT = "flows/sync_source.py:sync_source"
TAGS = ["navigator", "source"]
SLUG = "source"
PARAMETERS = {
    "title": "Parameters",
    "type": "object",
    "properties": {
        "source": {"title": "Source", "description": "its name", "type": "string", "position": 0}
    },
    "required": ["source"],
}
"""The form of a run: a deployment is one source's."""


def require_cron(written: str) -> str:
    """A schedule as cron has it.

    Raises:
        UsageError: it is none.
    """
    try:
        CronSchedule(cron=written, timezone="UTC")
    except ValueError:
        raise UsageError(
            f"{written[:40]!r} is no cron schedule.", remedy="Write it as '30 2 * * *', in UTC."
        ) from None
    return written


async def schedule(sources: Sequence[SourceDefinition]) -> None:
    """Make the deployments of sources, and set those that are there right."""
    if not sources:
        return
    async with get_client() as client:
        flow_id = await client.create_flow_from_name(FLOW)
        for each in sources:
            await client.create_deployment(flow_id=flow_id, **_declared(each))


async def unschedule(name: str) -> None:
    """Remove the deployment of a source, if there is one."""
    async with get_client() as client:
        try:
            found = await client.read_deployment_by_name(f"{FLOW}/{name}")
        except ObjectNotFound:
            return
        await client.delete_deployment(found.id)


async def deployed(client: PrefectClient) -> dict[str, DeploymentResponse]:
    """The deployments of sources that the server has, by the source's name."""
    wanted = FlowFilter(name=FlowFilterName(any_=[FLOW]))
    found: list[DeploymentResponse] = []
    while page := await client.read_deployments(flow_filter=wanted, limit=200, offset=len(found)):
        found += page
    return {each.name: each for each in found}


async def reconcile(sources: Sequence[SourceDefinition]) -> tuple[list[str], list[str]]:
    """Bring the server's deployments to what the sources say.

    Returns:
        Names of those that were made or set right, and of those that were removed.
    """
    async with get_client() as client:
        there = await deployed(client)
    made = wrong(sources, there)
    known = {each.name for each in sources}
    left = sorted(name for name in there if name not in known)
    await schedule(made)
    for name in left:
        await unschedule(name)
    return [each.name for each in made], left


def wrong(
    sources: Sequence[SourceDefinition], there: Mapping[str, DeploymentResponse]
) -> list[SourceDefinition]:
    """Sources whose deployment is missing or differs."""
    return [each for each in sources if not _is_as_declared(each, there.get(each.name))]


def _is_as_declared(source: SourceDefinition, found: DeploymentResponse | None) -> bool:
    if found is None:
        return False
    declared = _declared(source)
    given: Sequence[DeploymentScheduleCreate] = declared["schedules"]
    wanted = [(each.schedule, each.active) for each in given]
    return (
        found.entrypoint == declared["entrypoint"]
        and found.parameters == declared["parameters"]
        and found.work_pool_name == declared["work_pool_name"]
        and found.work_queue_name == declared["work_queue_name"]
        and [_times(each.schedule) for each in found.schedules] == [_times(e) for e, _ in wanted]
        and [each.active for each in found.schedules] == [active for _, active in wanted]
    )


def _times(schedule: Any) -> tuple[object, ...]:
    cron, every = getattr(schedule, "cron", None), getattr(schedule, "interval", None)
    return cron, every


def _declared(source: SourceDefinition) -> dict[str, Any]:
    written = yaml.safe_load(prefect_file().read_text("utf-8"))
    template = next(each for each in written["deployments"] if each["name"] == "ingest")
    times = _schedule(source)
    active = source.paused_at is None
    return {
        "name": source.name,
        "entrypoint": ENTRYPOINT,
        "parameters": {"source": source.name},
        "description": "Takes in what is new or changed in this source; made by "
        "`navigator source add`.",
        "tags": TAGS,
        "work_pool_name": template["work_pool"]["name"],
        "work_queue_name": template["work_pool"]["work_queue_name"],
        "pull_steps": written["pull"],
        "schedules": []
        if times is None
        else [DeploymentScheduleCreate(schedule=times, active=active, slug=SLUG)],
        "paused": not active,
        "enforce_parameter_schema": True,
        "parameter_openapi_schema": PARAMETERS,
        # the next run does not join one that still reads the source
        "concurrency_limit": 1,
        "concurrency_options": ConcurrencyOptions(
            collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
    }


def _schedule(source: SourceDefinition) -> CronSchedule | IntervalSchedule | None:
    if source.cron is not None:
        return CronSchedule(cron=source.cron, timezone="UTC")
    if source.interval_seconds is not None:
        return IntervalSchedule(interval=timedelta(seconds=source.interval_seconds))
    return None
