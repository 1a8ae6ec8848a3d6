"""Sets single fields of a deployment back to what is declared; whatever else it has stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentUpdate,
    GlobalConcurrencyLimitUpdate,
)
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

from deployments.drift.declared import DeclaredDeployments
from deployments.drift.deployment_fields import Declared, Field, FieldDifference
from deployments.drift.prefect_server import Found
from deployments.releases.release import with_release_of

_OF_UPDATE = {
    Field.ENTRYPOINT: "entrypoint",
    Field.CODE: "pull_steps",
    Field.POOL: "work_pool_name",
    Field.QUEUE: "work_queue_name",
    Field.LIMIT: "concurrency_limit",
    Field.COLLISION: "concurrency_options",
    Field.FORM: "enforce_parameter_schema",
    Field.PARAMETERS: "parameters",
    Field.TAGS: "tags",
    Field.DESCRIPTION: "description",
    Field.JOB_VARIABLES: "job_variables",
}


async def set_back(
    client: PrefectClient,
    declared: DeclaredDeployments,
    found: Found,
    fields: Sequence[FieldDifference],
) -> None:
    """Set fields of one deployment back; pauses and versions are never touched."""
    wanted = declared.named(found["name"])
    values = _values(wanted, declared, {each.field for each in fields})
    if _OF_UPDATE[Field.JOB_VARIABLES] in values:
        values["job_variables"] = with_release_of(found, values["job_variables"])
    if values:
        await client.update_deployment(UUID(found["id"]), DeploymentUpdate(**values))
    for each in fields:
        if each.field is Field.LIMIT_OFF:
            limit = found["global_concurrency_limit"]["name"]
            on = GlobalConcurrencyLimitUpdate(active=True)
            await client.update_global_concurrency_limit(limit, on)
        elif each.slug:
            await _set_schedule_back(client, wanted, found, each)


def _values(wanted: Declared, declared: DeclaredDeployments, fields: set[Field]) -> dict[str, Any]:
    pool, limit = wanted["work_pool"], wanted.get("concurrency_limit") or {}
    every = {
        Field.ENTRYPOINT: wanted["entrypoint"],
        Field.CODE: [dict(step) for step in declared.pull],
        Field.POOL: pool["name"],
        Field.QUEUE: pool["work_queue_name"],
        Field.LIMIT: limit.get("limit"),
        Field.COLLISION: {"collision_strategy": limit.get("collision_strategy")},
        Field.FORM: wanted.get("enforce_parameter_schema", True),
        Field.PARAMETERS: dict(wanted.get("parameters") or {}),
        Field.TAGS: list(wanted.get("tags") or ()),
        Field.DESCRIPTION: wanted.get("description"),
        Field.JOB_VARIABLES: dict(pool.get("job_variables") or {}),
    }
    if fields & {Field.POOL, Field.QUEUE}:  # a queue is one of its pool
        fields = fields | {Field.POOL, Field.QUEUE}
    return {_OF_UPDATE[field]: value for field, value in every.items() if field in fields}


async def _set_schedule_back(
    client: PrefectClient, wanted: Declared, found: Found, each: FieldDifference
) -> None:
    deployment = UUID(found["id"])
    if each.field is Field.SCHEDULE:
        made = _scheduled(wanted, each.slug)
        active = made.get("active", True)
        new = DeploymentScheduleCreate(schedule=_schedule(made), active=active, slug=each.slug)
        await client.create_deployment_schedules(deployment, [new])
        return
    there = next(e for e in found["schedules"] if each.slug in (e.get("slug"), e["id"]))
    if each.field is Field.TIMES:
        times = _schedule(_scheduled(wanted, each.slug))
        await client.update_deployment_schedule(deployment, UUID(there["id"]), schedule=times)
    elif each.field is Field.MORE:  # kept, in case that somebody wants it
        await client.update_deployment_schedule(deployment, UUID(there["id"]), active=False)


def _scheduled(wanted: Declared, slug: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(e for e in wanted["schedules"] if e["slug"] == slug)
    return found


def _schedule(declared: Mapping[str, Any]) -> CronSchedule | IntervalSchedule:
    zone = declared.get("timezone") or "UTC"
    if declared.get("cron"):
        return CronSchedule(cron=declared["cron"], timezone=zone)
    return IntervalSchedule(interval=timedelta(seconds=declared["interval"]), timezone=zone)
