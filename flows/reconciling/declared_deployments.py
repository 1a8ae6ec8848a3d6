"""Compares the deployments that prefect.yaml declares with a server's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

from pipeline.installation import prefect_file


@dataclass(frozen=True, slots=True)
class Declared:
    """A deployment of prefect.yaml.

    Attributes:
        schedules: by slug, as (cron, seconds, timezone); of cron and seconds one is None.
    """

    name: str
    entrypoint: str
    parameters: dict[str, Any]
    pool: str
    queue: str
    limit: int | None
    schedules: dict[str, tuple[str | None, float | None, str | None]]


def declared_deployments() -> list[Declared]:
    """Every deployment of this installation's prefect.yaml."""
    written = yaml.safe_load(prefect_file().read_text("utf-8"))
    return [_declared(each) for each in written["deployments"]]


def _declared(each: dict[str, Any]) -> Declared:
    return Declared(
        name=each["name"],
        entrypoint=each["entrypoint"],
        parameters=each["parameters"],
        pool=each["work_pool"]["name"],
        queue=each["work_pool"]["work_queue_name"],
        limit=each.get("concurrency_limit", {}).get("limit"),
        schedules={
            schedule["slug"]: (
                schedule.get("cron"),
                schedule.get("interval"),
                schedule.get("timezone"),
            )
            for schedule in each.get("schedules", [])
        },
    )


def differences(declared: Declared, found: DeploymentResponse) -> Iterator[str]:
    """In what only a deployment sets and a server's differs in, a word or two each."""
    limit = found.global_concurrency_limit
    pairs = {
        "entrypoint": (declared.entrypoint, found.entrypoint),
        "work pool": (declared.pool, found.work_pool_name),
        "work queue": (declared.queue, found.work_queue_name),
        "limit": (declared.limit, limit.limit if limit else None),
    }
    yield from (name for name, (wanted, is_there) in pairs.items() if wanted != is_there)
    if missing := declared.schedules.keys() - {each.slug for each in found.schedules}:
        yield f"no schedule {', '.join(sorted(missing))}"


def changes(declared: Declared, found: DeploymentResponse) -> Iterator[str]:
    """In what a person may set by hand and a server's deployment differs in."""
    if found.parameters != declared.parameters:
        yield "parameters"
    times = {each.slug: _schedule(each) for each in found.schedules}
    if any(times.get(slug, wanted) != wanted for slug, wanted in declared.schedules.items()):
        yield "times"
    if times.keys() - declared.schedules.keys():
        yield "more schedules"


def is_paused(declared: Declared, found: DeploymentResponse) -> bool:
    """Whether the deployment, or a schedule that is declared, was paused by hand."""
    stopped = any(not each.active and each.slug in declared.schedules for each in found.schedules)
    return found.paused or stopped


def _schedule(schedule: DeploymentSchedule) -> tuple[str | None, float | None, str | None]:
    told = schedule.schedule
    if isinstance(told, CronSchedule):
        return told.cron, None, told.timezone
    if isinstance(told, IntervalSchedule):
        return None, told.interval / timedelta(seconds=1), told.timezone
    return None, None, None
