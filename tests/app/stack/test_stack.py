"""`navigator up`: everything on one machine, watched, mended, and gone when it is stopped.

The tests run in their order on one stack; the last one stops it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import httpx
import psutil
import psycopg
import pytest

from app.stack.status_file import running_stack
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.embedded_tools import postmaster_pid
from tests.app.navigating import SAMPLES, Navigator
from tests.app.stack.conftest import RunningStack, end, is_up, kept, start
from tests.security.test_file_modes import opened, umask

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class PrefectApi:
    """How a client that has the home's password asks the stack's Prefect."""

    def __init__(self, stack: RunningStack) -> None:
        self.url = f"{stack.state().services['prefect'].address}/api"
        user, _, password = (stack.home / "prefect" / "auth-string").read_text().partition(":")
        self.auth = (user, password)

    def csrf(self) -> dict[str, str]:
        answer = httpx.get(f"{self.url}/csrf-token?client=tests", auth=self.auth, timeout=30)
        return {"Prefect-Csrf-Client": "tests", "Prefect-Csrf-Token": answer.json()["token"]}

    def all_of(self, kind: str) -> list[dict[str, Any]]:
        """The flow runs, or the artifacts."""
        answer = httpx.post(
            f"{self.url}/{kind}/filter", json={}, timeout=30, auth=self.auth, headers=self.csrf()
        )
        found: list[dict[str, Any]] = answer.json()
        return found


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
    """An ingest beside it neither waits nor starts a server: the stack's Prefect shows its run.

    From there a link leads to the run's report, which the stack's API serves.
    """
    ingested = stack.navigator("ingest", SAMPLES / "renters-policy.md", "--json")
    assert ingested.code == 0, ingested.err
    asked = PrefectApi(stack)
    assert any(run["name"].startswith("ingest ") for run in asked.all_of("flow_runs"))
    [report] = [each for each in asked.all_of("artifacts") if each["key"] == "quality-report"]
    [link] = re.findall(r"\]\((http[^)]+)\)", report["data"])
    page = httpx.get(link, timeout=60)
    assert page.is_success and "renters-policy.md" in page.text, page.text[:500]


@pytest.mark.long
def test_a_load_says_what_held_and_leaves_nothing(stack: RunningStack) -> None:
    """Each endpoint, service and document is told; the exit code is the verdict; users are gone."""
    before = kept(stack)
    # in four seconds this seed asks for everything but a folder
    wanted = ("load", "--times", 1, "--for", "4s", "--seed", 0, "--spend", "--json")
    done = stack.navigator(*wanted)
    [step] = done.json["steps"]
    assert done.code == (0 if done.json["held"] else 1)
    assert (step["users"], step["errors"]) == (5, {})
    assert set(step["endpoints"]) == {"upload", "status", "search", "overview", "jobs"}
    assert {"api", "worker", "prefect", "postgres", "load"} <= set(step["services"])
    assert step["services"]["worker"]["memory_bytes"] > 10_000_000
    assert 0 < step["connections"]["open"] < step["connections"]["most"]
    assert step["documents"]["published"] == step["documents"]["accepted"] > 0
    assert step["left"] == {}
    assert kept(stack) == before


@pytest.mark.long
def test_a_bill_is_not_run_up_unasked(stack: RunningStack) -> None:
    """Where documents are billed, the first one is the last, unless money may be spent."""
    before = kept(stack)
    refused = stack.navigator("load", "--times", 0.2, "--for", "1s")
    assert (refused.code, "--spend" in refused.err) == (2, True)
    assert kept(stack) == before


def test_prefect_answers_nobody_else(stack: RunningStack) -> None:
    """Without the password its API is a 401; `navigator dashboard` prints what its UI asks for."""
    asked = PrefectApi(stack)
    assert httpx.post(f"{asked.url}/flow_runs/filter", json={}).status_code == 401
    shown = stack.navigator("dashboard", "--no-open")
    assert shown.code == 0, shown.err
    lines = shown.err.splitlines()
    assert any(asked.url.removesuffix("/api") in line for line in lines)
    assert ":".join(asked.auth) in lines
    assert asked.auth[1] not in shown.out


@pytest.mark.long
def test_prefects_own_commands_use_it(stack: RunningStack) -> None:
    """With the variables that docs/deployment.md names, Prefect's own command line reaches it."""
    auth_string = (stack.home / "prefect" / "auth-string").read_text()
    environment = stack.navigator.environment | {
        "PREFECT_API_URL": PrefectApi(stack).url,
        "PREFECT_HOME": str(stack.home / "elsewhere"),
    }
    command = [sys.executable, "-m", "prefect", "--no-prompt", "work-pool", "pause", "navigator"]
    refused = subprocess.run(command, env=environment, capture_output=True, timeout=120)
    assert refused.returncode != 0
    environment["PREFECT_API_AUTH_STRING"] = auth_string
    for action in ("pause", "resume"):
        command[-2] = action
        done = subprocess.run(command, env=environment, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr


def test_the_password_stands_nowhere_else(stack: RunningStack) -> None:
    """No command line, no environment at a service's start and no file shows it, but its own."""
    secret = PrefectApi(stack).auth[1].encode()
    for process in stack.processes():
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            assert secret not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert secret not in Path(f"/proc/{process.pid}/environ").read_bytes(), process.name()
    holders = [
        path.relative_to(stack.home).as_posix()
        for path in stack.home.rglob("*")
        if path.is_file() and secret in path.read_bytes()
    ]
    assert holders == ["prefect/auth-string"]


@pytest.mark.bill_lost("the mock servers are killed too")
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
