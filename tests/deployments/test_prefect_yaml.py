"""prefect.yaml, strictly: `prefect deploy` passes over what it does not know."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Literal, get_type_hints
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.importtools import import_object
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from flows.worker_pool import BATCH_DEPLOYMENT

ROOT = Path(__file__).resolve().parents[2]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class WorkPool(Strict):
    name: str
    work_queue_name: str
    job_variables: dict[str, object]


class Schedule(Strict):
    slug: str
    cron: str | None = None
    interval: int | None = Field(None, ge=60)  # seconds
    timezone: str
    active: bool


class ConcurrencyLimit(Strict):
    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class Deployment(Strict):
    name: str
    entrypoint: str
    description: str = Field(min_length=20)
    tags: list[str] = Field(min_length=1)
    parameters: dict[str, object]
    enforce_parameter_schema: Literal[True]
    work_pool: WorkPool
    concurrency_limit: ConcurrencyLimit
    schedules: list[Schedule] = []


class PrefectFile(Strict):
    name: str
    pull: list[dict[str, dict[str, str]]] = Field(min_length=1)
    deployments: list[Deployment]


def read() -> PrefectFile:
    return PrefectFile.model_validate(yaml.safe_load((ROOT / "prefect.yaml").read_text()))


def load(deployment: Deployment) -> Flow[..., Any]:
    path, function = deployment.entrypoint.split(":")
    return load_flow_from_entrypoint(f"{ROOT / path}:{function}")


DEPLOYMENTS = pytest.mark.parametrize("deployment", read().deployments, ids=lambda each: each.name)


def test_unknown_keys_fail() -> None:
    """A misspelled key is found by this test's own model."""
    written = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    written["deployments"][0]["concurency_limit"] = 1
    with pytest.raises(ValidationError, match="concurency_limit"):
        PrefectFile.model_validate(written)


@DEPLOYMENTS
def test_entrypoint_and_parameters(deployment: Deployment) -> None:
    """The entrypoint is a flow that takes the deployment's parameters with their values."""
    function = load(deployment).fn
    hints = get_type_hints(function)
    assert set(deployment.parameters) <= set(inspect.signature(function).parameters)
    for name, value in deployment.parameters.items():
        TypeAdapter(hints[name]).validate_python(value)


@DEPLOYMENTS
def test_scheduled_runs_need_nothing_more(deployment: Deployment) -> None:
    """What a schedule starts has every parameter without a default."""
    if deployment.schedules:
        parameters = inspect.signature(load(deployment).fn).parameters.values()
        needed = {each.name for each in parameters if each.default is inspect.Parameter.empty}
        assert needed <= set(deployment.parameters)


@DEPLOYMENTS
def test_schedules(deployment: Deployment) -> None:
    """A schedule is a cron line that parses or an interval, in a timezone that exists."""
    for schedule in deployment.schedules:
        assert (schedule.cron is None) != (schedule.interval is None)
        if schedule.cron is not None:
            CronSchedule(cron=schedule.cron, timezone=schedule.timezone)
        assert ZoneInfo(schedule.timezone).key == schedule.timezone


def test_one_pool() -> None:
    """All deployments wait in the pool that docs/deployment.md has people create."""
    pools = {each.work_pool.name for each in read().deployments}
    assert pools == {"navigator"}
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    assert "prefect work-pool create navigator --type process" in page


def test_batches_find_their_deployment() -> None:
    """The name under which batches are handed over is that of a deployment."""
    assert BATCH_DEPLOYMENT in {f"{load(each).name}/{each.name}" for each in read().deployments}


def test_pull_keeps_nothing_of_the_deployer() -> None:
    """The pull step finds the code by itself, without a folder or a variable written down."""
    [step] = read().pull
    [(name, arguments)] = step.items()
    assert arguments == {}
    folder = Path(import_object(name)()["directory"])
    for deployment in read().deployments:
        assert (folder / deployment.entrypoint.split(":")[0]).is_file()
