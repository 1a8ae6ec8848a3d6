"""Whether a person called a flow, or a worker picked its run up."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.prefect_server import ROOT, PrefectServer


@pytest.fixture(scope="module")
def found(prefect_server: PrefectServer) -> dict[str, bool]:
    """What flows say that are run in every way, in a process of their own."""
    clean = {
        name: value
        for name, value in prefect_server.environment.items()
        if name != "PREFECT__FLOW_RUN_ID"
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.asking"],
        cwd=ROOT, env=clean, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers: dict[str, bool] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.mark.parametrize("how", ["asking", "around", "around-both"])
def test_a_call_in_a_persons_process(found: dict[str, bool], how: str) -> None:
    """A flow that is called is the person's, also as a subflow of flows of theirs."""
    assert found[f"called {how}"]


@pytest.mark.parametrize("how", ["asking", "around", "around-both"])
def test_a_run_of_a_deployment(found: dict[str, bool], how: str) -> None:
    """A run of a deployment is nobody's in this process, and neither is what it calls."""
    assert not found[f"deployed {how}"]


@pytest.mark.parametrize("how", ["served", "process of a run", "outside"])
def test_in_a_worker(found: dict[str, bool], how: str) -> None:
    """In a warm worker, in a process started for a run, and outside any run: nobody's."""
    assert not found[how]
