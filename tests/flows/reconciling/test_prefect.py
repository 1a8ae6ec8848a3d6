"""Deployments and flow runs on a real server: what differs is found, mended, and found no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import State
from prefect.client.schemas.schedules import CronSchedule
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_CLIENT_RETRY_EXTRA_CODES,
    temporary_settings,
)
from prefect.states import Cancelling, Pending, Running

from app.worker.entrypoints import served_flows
from flows.maintain import PREFECT_CHECKS, maintain
from flows.reconciling.flow_runs import FLOWS
from pipeline.finding_kinds import Kind
from pipeline.findings import Tally
from pipeline.identity import user_id
from pipeline.retry_policy import RUN_STARTS
from pipeline.settings import load_settings
from pipeline.store import runs
from pipeline.worker_identity import worker_name
from stages.reconciling.inspection import Inspection, Outcome, reconcile
from stages.services import Services, open_services
from tests.clocks import DAY, moved, right_time
from tests.flows.corpus import change
from tests.prefect_server import PrefectServer
from tests.stages.reconciling.looking import FOR_A_PERSON, MENDED, ONE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

DEAD = f"{worker_name().rpartition('/')[0].rpartition('/')[0]}/4194305/1.00"
"""A process of this machine that there never was."""


@pytest.fixture(scope="module")
def prefect_server(fresh_prefect_server: PrefectServer) -> PrefectServer:
    """One of its own: a look at Prefect finds what other modules left there."""
    return fresh_prefect_server


def test_every_flow_of_ours_is_looked_at() -> None:
    """A new flow is found too when its process has died."""
    assert sorted(FLOWS) == sorted(each.name for each in served_flows().values())


@pytest.fixture(scope="module")
def deployed(prefect_server: PrefectServer) -> Iterator[PrefectServer]:
    """The server after the two commands of docs/deployment.md."""
    prefect_server.prefect("work-pool", "create", "navigator", "--type", "process", "--overwrite")
    prefect_server.prefect("deploy", "--all")
    yield prefect_server


@pytest.fixture
async def services(
    deployed: PrefectServer, database_url: str, tmp_path: Path
) -> AsyncIterator[Services]:
    """Services of a test whose Prefect client speaks to the server."""
    values: dict[str, Any] = {"database_url": database_url, "home": tmp_path / "home"}
    settings = load_settings(**values, embedder="wordllama", parse_workers=1)
    # SQLite is locked for a moment when somebody writes: every client of Prefect tries again.
    patient = {PREFECT_CLIENT_RETRY_EXTRA_CODES: [503]}
    with deployed.in_this_process(), temporary_settings(updates=patient):
        async with open_services(settings) as opened:
            yield opened


async def look(services: Services, *, fix: bool = False, by_person: bool = False) -> Outcome:
    """What is wrong with Prefect."""
    outcome = await reconcile(Inspection(services, fix, by_person=by_person), PREFECT_CHECKS)
    assert outcome.unlooked == {}
    return outcome


async def deployment(name: str) -> Any:
    """A deployment on the server; None when there is none."""
    wanted = DeploymentFilter(name=DeploymentFilterName(any_=[name]))
    async with get_client() as client:
        found = await client.read_deployments(deployment_filter=wanted)
    return found[0] if found else None


async def test_a_missing_and_a_different_deployment_are_put_back(services: Services) -> None:
    """Both are deployed again in one go; one that somebody paused is told and left as it is."""
    assert (await look(services)).tallies == {}
    report = await deployment("quality-report")
    async with get_client() as client:
        await client.delete_deployment((await deployment("sweep")).id)
        changed = DeploymentUpdate(entrypoint="elsewhere.py:flow")
        await client.update_deployment((await deployment("nightly")).id, changed)
        await client.pause_deployment(report.id)
    found = (await look(services)).tallies
    expected = {
        Kind.DEPLOYMENT_MISSING: ONE,
        Kind.DEPLOYMENT_DIFFERS: ONE,
        Kind.DEPLOYMENT_PAUSED: FOR_A_PERSON,
    }
    assert found == expected
    assert await deployment("sweep") is None
    found = (await look(services, fix=True)).tallies
    mended = {Kind.DEPLOYMENT_MISSING: MENDED, Kind.DEPLOYMENT_DIFFERS: MENDED}
    assert found == expected | mended
    assert (await look(services)).tallies == {Kind.DEPLOYMENT_PAUSED: FOR_A_PERSON}
    assert (await deployment("quality-report")).paused
    assert (await deployment("nightly")).entrypoint == "flows/backfill.py:backfill"
    async with get_client() as client:
        await client.resume_deployment(report.id)
    assert (await look(services)).tallies == {}


async def test_what_may_be_set_by_hand_is_set_back_by_a_person_only(services: Services) -> None:
    """Other times and parameters: the schedule tells them, a person's --fix sets them back."""
    nightly = await deployment("nightly")
    async with get_client() as client:
        changed = DeploymentUpdate(parameters={"select": "failed"})
        await client.update_deployment(nightly.id, changed)
        times = CronSchedule(cron="1 1 * * *", timezone="UTC")
        await client.update_deployment_schedule(nightly.id, nightly.schedules[0].id, schedule=times)
    outcome = await look(services, fix=True)
    assert outcome.tallies == {Kind.DEPLOYMENT_CHANGED: FOR_A_PERSON}
    assert outcome.findings[0].detail == "parameters, times of schedule nightly"
    found = (await look(services, fix=True, by_person=True)).tallies
    assert found == {Kind.DEPLOYMENT_CHANGED: MENDED}
    assert (await look(services)).tallies == {}


async def test_a_schedule_that_was_switched_off_is_left_off(services: Services) -> None:
    """A person's pause is told, also where something else of the deployment differs."""
    nightly = await deployment("nightly")
    [schedule] = nightly.schedules
    async with get_client() as client:
        await client.update_deployment_schedule(nightly.id, schedule.id, active=False)
        changed = DeploymentUpdate(parameters={"select": "failed"})
        await client.update_deployment(nightly.id, changed)
        try:
            outcome = await look(services, fix=True, by_person=True)
            assert outcome.tallies == {
                Kind.DEPLOYMENT_CHANGED: FOR_A_PERSON,
                Kind.DEPLOYMENT_PAUSED: FOR_A_PERSON,
            }
            assert not (await deployment("nightly")).schedules[0].active
        finally:
            await client.update_deployment_schedule(nightly.id, schedule.id, active=True)
            as_it_was = DeploymentUpdate(parameters=nightly.parameters)
            await client.update_deployment(nightly.id, as_it_was)


async def test_runs_of_a_dead_worker_go_back_or_are_ended(services: Services) -> None:
    """A deployment's run is queued again, one that was being cancelled is cancelled."""
    sweep = await deployment("sweep")
    states: list[State[Any]] = [Running(), Cancelling(), Running()]
    async with get_client() as client:
        made = [
            await client.create_flow_run_from_deployment(sweep.id, state=state) for state in states
        ]
        lives = made[2]
        for run in made[:2]:
            await client.update_flow_run(run.id, infrastructure_pid=DEAD)
        await client.update_flow_run(lives.id, infrastructure_pid=worker_name())
        assert (await look(services)).tallies == {Kind.FLOW_RUN_ABANDONED: Tally(2)}
        found = (await look(services, fix=True)).tallies
        assert found == {Kind.FLOW_RUN_ABANDONED: Tally(2, mended=2)}
        names = [(await client.read_flow_run(run.id)).state_name for run in made]
        assert names == ["AwaitingRetry", "Cancelled", "Running"]
        assert (await look(services)).tallies == {}
        for run in made:
            await client.delete_flow_run(run.id)
    assert RUN_STARTS > 1


@pytest.mark.parametrize("clock", [DAY, -DAY], ids=["ahead", "behind"])
async def test_a_clock_that_is_wrong_changes_nothing(services: Services, clock: float) -> None:
    """By a clock a day off Prefect's, what was just taken is left and what goes back is due."""
    sweep = await deployment("sweep")
    states: list[State[Any]] = [Running(), Pending()]
    async with get_client() as client:
        left, taken = [
            await client.create_flow_run_from_deployment(sweep.id, state=state) for state in states
        ]
        for run in (left, taken):
            await client.update_flow_run(run.id, infrastructure_pid=DEAD)
        with moved(clock):
            found = (await look(services, fix=True)).tallies
        assert found == {Kind.FLOW_RUN_ABANDONED: MENDED}
        settled = await client.read_flow_run(left.id)
        assert settled.expected_start_time is not None
        assert settled.expected_start_time <= right_time()
        for run in (left, taken):
            await client.delete_flow_run(run.id)


async def test_a_run_that_is_over_here_is_over_in_prefect(services: Services) -> None:
    """A killed command's flow run is crashed; with a lease that still runs it is left."""
    held = "UPDATE upload_pipeline.ingest_runs SET held_by = :by, held_until = now() + {}"
    async with get_client() as client:
        run = await client.create_flow_run(maintain, parameters={}, state=Running())
        async with services.database.service() as connection:
            await runs.start_run(
                connection, uuid4(), user_id("anna"), "ingest", flow_run_id=UUID(str(run.id))
            )
        await change(services, held.format("interval '1 minute'"), by=worker_name())
        assert (await look(services)).tallies == {}
        await change(services, held.format("interval '1 minute'"), by=DEAD)
        assert (await look(services, fix=True)).tallies == {Kind.FLOW_RUN_ABANDONED: MENDED}
        assert (await client.read_flow_run(run.id)).state_name == "Crashed"
        await client.delete_flow_run(run.id)


async def test_a_server_that_does_not_answer_is_said(services: Services) -> None:
    """It is no damage, and no clean bill either."""
    nowhere = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(updates=nowhere):
        outcome = await reconcile(Inspection(services), PREFECT_CHECKS)
    assert set(outcome.unlooked) == set(PREFECT_CHECKS)
    assert outcome.tallies == {}
