"""The one rule by which a deployment is compared, without a server."""

from __future__ import annotations

from datetime import date
from typing import Any

from deployments.drift.declared import declared_by
from deployments.drift.deployment_fields import differences
from deployments.drift.prefect_drift import deployment_drift
from deployments.drift.prefect_server import OnServer
from deployments.environment_files import load_environment
from deployments.environment_parts import AcceptedDrift

LOCAL = load_environment("local")
DECLARED = declared_by(LOCAL)
NIGHTLY = DECLARED.named("nightly")


def on_server(**changed: Any) -> dict[str, Any]:
    """The deployment `nightly` as Prefect's API would have it."""
    return {
        "id": "1",
        "name": "nightly",
        "entrypoint": NIGHTLY["entrypoint"],
        "description": NIGHTLY["description"],
        "tags": NIGHTLY["tags"],
        "parameters": NIGHTLY["parameters"],
        "enforce_parameter_schema": True,
        "pull_steps": [dict(step) for step in DECLARED.pull],
        "work_pool_name": "navigator",
        "work_queue_name": "default",
        "job_variables": {},
        "paused": False,
        "concurrency_options": {"collision_strategy": "CANCEL_NEW"},
        "global_concurrency_limit": {"limit": 1, "active": True},
        "schedules": [
            {"id": "2", "slug": "nightly", "active": True,
             "schedule": {"cron": "30 2 * * *", "timezone": "UTC"}}
        ],
        **changed,
    }  # fmt: skip


def names(**changed: Any) -> list[str]:
    """What differs of it."""
    return [each.name for each in differences(NIGHTLY, on_server(**changed), DECLARED.pull)]


def test_as_declared_nothing_differs() -> None:
    """What the server adds of its own is no difference."""
    assert names() == []
    assert names(status="READY", last_polled="2026-01-01", version="0a1b") == []


def test_a_schedule_that_is_off_is_no_schedule_more() -> None:
    """One that somebody added and switched off starts nothing."""
    more = {"id": "3", "slug": None, "schedule": {"interval": 60.0, "timezone": "UTC"}}
    there = on_server()["schedules"]
    assert names(schedules=[*there, {**more, "active": True}]) == ["another schedule 3"]
    assert names(schedules=[*there, {**more, "active": False}]) == []


def test_what_a_release_puts_into_job_variables_is_nobodys_drift() -> None:
    """Which release it is of, the version says; what a person added beside it is told."""
    of_release = {"image": "x@sha256:1", "env": {"NAVIGATOR_RELEASE": "r-1"}}
    assert names(job_variables=of_release) == []
    assert names(job_variables={"image": "mine"}) == ["job variables"]
    assert names(job_variables={**of_release, "command": "mine"}) == ["job variables"]


def test_a_secret_in_job_variables_is_not_told() -> None:
    """What a person wrote into a deployment's variables may be a password."""
    [found] = differences(NIGHTLY, on_server(job_variables={"env": {"API_KEY": "sk-abcdefgh"}}))
    assert found.found is not None
    assert "sk-abcdefgh" not in found.found


def test_what_the_file_accepts_is_left_by_maintenance_too() -> None:
    """The one list holds for `maintain` and `up`, and only until its day."""
    entries = (
        AcceptedDrift(what="deployment nightly: limit", reason="x"),
        AcceptedDrift(what="deployment sweep", reason="x", until=date(2020, 1, 1)),
    )
    declared = declared_by(LOCAL.model_copy(update={"accepted": entries}))
    assert declared.accepts("nightly", "limit")
    assert not declared.accepts("nightly")
    assert not declared.accepts("sweep")


def test_deployments_of_sources_are_nobodys_drift() -> None:
    """They are made for the rows of the database, and compared with those."""
    mine = on_server(name="mine")
    source = on_server(name="letters", tags=["navigator", "source"])
    there = OnServer([on_server(), mine, source], None, [], [], [])
    one = {"nightly": LOCAL.deployments["nightly"]}
    only = declared_by(LOCAL.model_copy(update={"deployments": one}))
    assert [each.what for each in deployment_drift(only, there)] == ["deployment mine"]
