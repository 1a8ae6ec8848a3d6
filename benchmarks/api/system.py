"""The measured system, each part in a process of its own: Prefect, API, warm worker."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.bench import Bench
from benchmarks.servers import (
    ROOT,
    debian_postgres,
    ending,
    prefect_database,
    prefect_server,
)
from pipeline.child_processes import module_command
from pipeline.loopback import free_port

START_SECONDS = 120.0


@dataclass(frozen=True)
class System:
    """What runs, and how to reach it."""

    url: str
    environment: dict[str, str]
    scratch: Path

    def token(self, user: str) -> str:
        """A token for a user."""
        return _navigator(["token", "--user", user], self.environment, self.scratch).strip()

    def run_deployment(self, name: str, **parameters: Any) -> None:
        """Ask Prefect for a run of a deployment."""
        api = self.environment["PREFECT_API_URL"]
        deployment = httpx.get(f"{api}/deployments/name/{name}", timeout=30).raise_for_status()
        httpx.post(
            f"{api}/deployments/{deployment.json()['id']}/create_flow_run",
            json={"parameters": parameters, "state": {"type": "SCHEDULED"}},
            timeout=30,
        ).raise_for_status()

    def has_runs_under_way(self) -> bool:
        """Whether Prefect knows a flow run that has not ended."""
        wanted = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}}
        answer = httpx.post(
            f"{self.environment['PREFECT_API_URL']}/flow_runs/count", json=wanted, timeout=30
        )
        return int(answer.raise_for_status().json()) > 0


@contextmanager
def system(bench: Bench, database_url: str) -> Iterator[System]:
    """Start everything on an empty database; the worker is warm when the block begins."""
    programs = debian_postgres()
    if programs is None:
        raise RuntimeError("Prefect needs a Postgres with pg_trgm here: apt install postgresql")
    with ExitStack() as stack:
        folder = bench.scratch / "system"
        folder.mkdir()
        _, prefect_tables = stack.enter_context(
            prefect_database(programs, bench.scratch / "system-pg")
        )
        _, prefect_url = stack.enter_context(prefect_server(prefect_tables, folder / "prefect"))
        environment = _environment(bench, database_url, prefect_url, folder)
        _deploy(environment)
        port, health = free_port(), free_port()
        for arguments in (["api", "--port", str(port)], ["worker", "--health-port", str(health)]):
            stack.enter_context(_process(arguments, environment, folder))
        url = f"http://127.0.0.1:{port}/api/v1"
        until_answered(f"{url}/openapi.json")
        until_answered(f"http://127.0.0.1:{health}/health")
        yield System(url, environment, folder)


def _environment(bench: Bench, database_url: str, prefect_url: str, folder: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NAVIGATOR_", "PREFECT_", "OPENAI_")) and name != "DATABASE_URL"
    }
    return kept | {
        "PYTHONPATH": str(ROOT),
        "NAVIGATOR_HOME": str(folder / "home"),
        "NAVIGATOR_INGEST_ROOTS": str(bench.scratch),
        "DATABASE_URL": database_url,
        "NAVIGATOR_EMBEDDER": "openai",
        "OPENAI_API_KEY": "sk-benchmark",
        "OPENAI_BASE_URL": bench.endpoint.openai_url,
        "PREFECT_API_URL": prefect_url,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def _deploy(environment: dict[str, str]) -> None:
    prefect = module_command("prefect", "--no-prompt")
    for arguments in (
        ["work-pool", "create", "navigator", "--type", "process"],
        ["deploy", "--all"],
    ):
        subprocess.run([*prefect, *arguments], check=True, env=environment, cwd=ROOT,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip


@contextmanager
def _process(arguments: list[str], environment: dict[str, str], folder: Path) -> Iterator[None]:
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            module_command("app", *arguments),
            env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    with ending(process):
        yield


def _navigator(arguments: list[str], environment: dict[str, str], folder: Path) -> str:
    return subprocess.run(
        module_command("app", *arguments), check=True, env=environment, cwd=folder,
        stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip


def until_answered(url: str) -> None:
    """Wait until an address answers well.

    Raises:
        RuntimeError: it does not in two minutes.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2).is_success:
                return
        time.sleep(0.2)
    raise RuntimeError(f"{url} does not answer; the logs are in the scratch folder")
