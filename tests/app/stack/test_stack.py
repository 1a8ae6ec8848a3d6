"""`navigator up`: everything on one machine, watched, mended, and gone when it is stopped.

The tests run in their order on one stack; the last one stops it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from urllib.request import urlopen

import httpx
import psutil
import psycopg
import pytest

from app.stack.state import running_stack
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.embedded_tools import postmaster_pid
from tests.app.navigating import SAMPLES, Navigator
from tests.app.stack.conftest import RunningStack, end, is_up, start
from tests.security.test_file_modes import opened, umask

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_everything_answers(stack: RunningStack) -> None:
    """Each service is at the address that the table shows, and the log tells of each."""
    services = stack.state().services
    assert set(services) == {"postgres", "prefect", "deployments", "mocks", "api", "worker"}
    assert b"Prefect" in urlopen(services["prefect"].address, timeout=10).read()
    assert "Everything is up" in stack.log()


def test_a_second_one_refuses(stack: RunningStack) -> None:
    """Two cannot run on one home folder; the second one says what to do."""
    refused = stack.navigator("up")
    assert refused.code == 2
    assert f"`navigator up` runs already on {stack.home}" in refused.err
    assert "navigator down" in refused.err


def test_a_taken_port_is_named(stack: RunningStack, scratch: Path) -> None:
    """Who takes a port of another's is told which, whose and what to do."""
    other = Navigator(scratch / "other-stack")
    refused = other("up", "--port-offset", stack.port_offset)
    assert refused.code == 2
    port = stack.state().services["prefect"].address.rpartition(":")[2]
    assert f"Port {port}, for Prefect server and UI, is taken" in refused.err
    assert "--port-offset" in refused.err


def test_a_document_goes_through(stack: RunningStack) -> None:
    """The check sends a document through everything in less than a minute and removes it."""
    checked = stack.navigator("check", "--json")
    assert checked.code == 0, checked.out
    assert checked.json["passed"] and checked.json["seconds"] < 60
    outcomes = {step["name"]: step["outcome"] for step in checked.json["steps"]}
    assert set(outcomes.values()) == {"ok"}
    assert "webhook" in outcomes


def test_other_commands_use_it(stack: RunningStack) -> None:
    """An ingest beside it neither waits nor starts a server: the stack's Prefect shows its run."""
    ingested = stack.navigator("ingest", SAMPLES / "renters-policy.md", "--json")
    assert ingested.code == 0, ingested.err
    found = httpx.post(
        f"{stack.state().services['prefect'].address}/api/flow_runs/filter", json={}, timeout=30
    ).json()
    assert "ingest renters-policy.md" in {run["name"] for run in found}


def test_what_dies_comes_back(stack: RunningStack) -> None:
    """Services that are killed are started again, the log says so, and everything works."""
    victims = {name: stack.pid(name) for name in ("api", "worker", "mocks")}
    postmaster = postmaster_pid(stack.home / "postgres")
    assert postmaster is not None
    for pid in (*victims.values(), postmaster):
        os.kill(pid, signal.SIGKILL)
    stack.until(
        lambda state: is_up(state) and all(state.services[each].restarts for each in victims)
    )
    # By its own keeper, or by the first of the others that needs it.
    assert postmaster_pid(stack.home / "postgres") not in (None, postmaster)
    assert "Warm worker: restarting (ended by SIGKILL" in stack.log()
    checked = stack.navigator("check", "--json")
    assert checked.code == 0, checked.out


def test_no_process_or_file_of_the_stack_is_open_to_others(stack: RunningStack) -> None:
    """Every process keeps what it makes private, and nothing of the running home is open."""
    assert {umask(each.pid) for each in stack.processes() if each.is_running()} == {"0077"}
    assert opened(stack.home) == set()


def test_down_leaves_nothing(stack: RunningStack) -> None:
    """`navigator down` ends every process, Postgres too, and no document is held."""
    processes = stack.processes()
    assert len(processes) >= 7
    down = stack.navigator("down")
    assert (down.code, down.out.strip()) == (0, "Stopped.")
    assert stack.process.wait(60) == 0
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
    assert running_stack(stack.home) is None
    url = start_embedded(stack.home / "postgres")
    with psycopg.connect(url) as connection:
        held = connection.execute(
            "SELECT count(*) FROM upload_pipeline.upload_jobs WHERE claimed_by IS NOT NULL"
        ).fetchone()
    stop_embedded(stack.home / "postgres")
    assert held == (0,)


def test_down_without_one(tmp_path: Path) -> None:
    """Where nothing runs, `navigator down` says so."""
    down = Navigator(tmp_path / "home")("down")
    assert (down.code, down.out.strip()) == (0, f"Nothing runs on {tmp_path / 'home'}.")


def test_a_killed_supervisor_leaves_no_orphans(scratch: Path) -> None:
    """When `navigator up` itself is killed, what it started ends with it."""
    stack = start(scratch / "orphans", "--only", "postgres,mocks")
    try:
        stack.until(lambda state: len(state.services) == 2 and is_up(state))
        processes = stack.processes()
        assert len(processes) >= 4
        stack.process.kill()
        stack.process.wait(10)
        _, alive = psutil.wait_procs(processes, timeout=60)
        assert alive == []
    finally:
        end(stack)


def test_wrong_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    """A service that does not exist, and a worker without a Prefect server, are refused."""
    navigator = Navigator(tmp_path / "home")
    unknown = navigator.here("up", "--only", "postgres,dashbord")
    assert (unknown.code, "There is no service 'dashbord'." in unknown.err) == (2, True)
    alone = navigator.here("up", "--only", "worker")
    assert (alone.code, "The worker needs a Prefect server." in alone.err) == (2, True)
    assert not (tmp_path / "home" / "postgres").exists()
