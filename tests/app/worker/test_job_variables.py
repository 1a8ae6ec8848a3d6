"""Flow runs that a worker's own process cannot give what they ask for, and a team's own flows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect.states import Cancelling

from app.worker.configuration import WarmVariables
from app.worker.entrypoints import flow_of
from app.worker.warm_worker import WarmWorker
from pipeline import plugins
from tests.app.worker.conftest import LEFT_OPEN
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), LEFT_OPEN]

POOL = "job-variables"
TEAM = """
import asyncio, os, time
from prefect import flow
from prefect.states import Completed

@flow
async def renewals(seconds: float = 0):
    print("begun", flush=True)
    for _ in range(int(seconds * 10)):
        await asyncio.sleep(0.1)
    told = f"{os.environ.get('TEAM')} {os.getcwd()} {os.getpid()}"
    return Completed(message=told)

@flow
def blocking():
    return Completed(message=str(os.getpid()))
"""


@pytest.fixture
async def client(fresh_prefect_server: PrefectServer) -> AsyncIterator[PrefectClient]:
    """A client of a server with the pool."""
    # A worker in the test's process would leave the connection of its log behind.
    quiet = temporary_settings(updates={PREFECT_LOGGING_TO_API_ENABLED: False})
    with fresh_prefect_server.in_this_process(), quiet:
        async with get_client() as opened:
            await opened.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
            yield opened


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A folder with a team's flows."""
    (tmp_path / "team_flows.py").write_text(TEAM)
    return tmp_path


@pytest.fixture
def installed(team: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same as an installed package that names its flows."""
    about = team / "team_flows-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: team-flows\nVersion: 1.0\n")
    named = "renewals = team_flows:renewals\nblocking = team_flows:blocking\n"
    (about / "entry_points.txt").write_text(f"[insurance_navigator.flows]\n{named}")
    monkeypatch.syspath_prepend(str(team))
    plugins._installed.cache_clear()
    yield team
    monkeypatch.undo()
    plugins._installed.cache_clear()


async def run_of(
    client: PrefectClient,
    folder: Path,
    flow: str = "renewals",
    variables: dict[str, Any] | None = None,
    **parameters: Any,
) -> FlowRun:
    """A run of a deployment of the team's flow, due now."""
    made = await client.create_flow_from_name(flow)
    deployment = await client.create_deployment(
        made, flow, entrypoint=f"team_flows.py:{flow}", path=str(folder), work_pool_name=POOL,
        job_variables=variables or {},
    )  # fmt: skip
    return await client.create_flow_run_from_deployment(deployment, parameters=parameters)


async def until(client: PrefectClient, run: FlowRun, *states: str) -> FlowRun:
    """The run once it is in one of these states."""
    async with asyncio.timeout(120):
        while True:
            found = await client.read_flow_run(run.id)
            if found.state_name in states:
                return found
            await asyncio.sleep(0.1)


async def ended(client: PrefectClient, run: FlowRun, *, child_runs: bool) -> tuple[str, str]:
    """How a run ended that a warm worker took: its state and its message."""
    async with WarmWorker(POOL, child_runs=child_runs, prefetch_seconds=5) as worker:
        await worker.get_and_submit_flow_runs()
        found = await until(client, run, "Completed", "Crashed", "Failed", "Cancelled")
    assert found.state is not None
    return found.state.name or "", found.state.message or ""


@pytest.mark.long
async def test_an_installed_team_s_flow_runs_warm(client: PrefectClient, installed: Path) -> None:
    """What a package names in the entry-point group runs in the worker's own process."""
    state, message = await ended(client, await run_of(client, installed), child_runs=False)
    assert (state, message.split()[-1]) == ("Completed", str(os.getpid()))


async def test_another_flow_is_refused(client: PrefectClient, team: Path) -> None:
    """A flow of no installed package is not run, and the run says what to do."""
    state, message = await ended(client, await run_of(client, team), child_runs=False)
    assert state == "Crashed"
    assert "not team_flows.py:renewals" in message
    assert "NAVIGATOR_WORKER_CHILD_RUNS" in message


async def test_job_variables_are_refused(client: PrefectClient, installed: Path) -> None:
    """Variables that a shared process cannot heed are named, not passed over."""
    variables = {"env": {"TEAM": "claims"}, "working_dir": str(installed)}
    run = await run_of(client, installed, variables=variables)
    state, message = await ended(client, run, child_runs=False)
    assert state == "Crashed"
    assert "job variables (env, working_dir)" in message


@pytest.mark.long
async def test_a_child_heeds_job_variables(client: PrefectClient, team: Path) -> None:
    """Where the operator allows it, a run has its environment and folder in its own process."""
    variables = {"env": {"TEAM": "claims"}, "working_dir": str(team)}
    run = await run_of(client, team, variables=variables)
    state, message = await ended(client, run, child_runs=True)
    variable, folder, process = message.split()
    assert (state, variable, folder) == ("Completed", "claims", str(team))
    assert int(process) != os.getpid()


# Prefect leaves the connection to a child that it ended to the garbage collector.
@pytest.mark.long
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_child_is_cancelled(client: PrefectClient, team: Path) -> None:
    """A person's word ends the child, and the run is called cancelled."""
    run = await run_of(client, team, seconds=100)
    async with WarmWorker(POOL, child_runs=True, prefetch_seconds=5) as worker:
        await worker.get_and_submit_flow_runs()
        await until(client, run, "Running")
        await client.set_flow_run_state(run.id, Cancelling())
        await until(client, run, "Cancelled")


@pytest.mark.long
async def test_a_child_goes_on_elsewhere(client: PrefectClient, team: Path) -> None:
    """A worker that stops ends its children and puts their runs back into the queue."""
    run = await run_of(client, team, seconds=100)
    async with WarmWorker(POOL, child_runs=True, prefetch_seconds=5) as worker:
        await worker.get_and_submit_flow_runs()
        await until(client, run, "Running")
        await worker.stop()
        found = await until(client, run, "AwaitingRetry")
    assert found.state is not None
    assert "the worker stops" in (found.state.message or "")
    await client.delete_flow_run(run.id)


def test_a_blocking_flow_is_not_run_warm(installed: Path) -> None:
    """A flow that is not async would stop the whole worker, so it is not taken for a warm one."""
    assert flow_of("team_flows.py:blocking") is None
    assert flow_of("team_flows.renewals") is not None


def test_the_form_says_what_is_heeded() -> None:
    """Each variable that needs a process of its own says so where a person fills it in."""
    fields = WarmVariables.model_json_schema()["properties"]
    for name in ("env", "command", "working_dir"):
        assert "NAVIGATOR_WORKER_CHILD_RUNS" in fields[name]["description"]
