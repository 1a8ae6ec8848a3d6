"""The walk of one document, from the command to its publication, goes down the rooms."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.app.navigating import Navigator
from tests.prefect_server import prepare_home
from tests.rooms import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

STAGES = (
    "stages/intake.py:upload",
    "stages/parsing.py:parse_jobs",
    "stages/validating.py:validate",
    "stages/chunking.py:chunk",
    "stages/embedding.py:embed",
    "stages/gating.py:gate",
    "stages/publishing.py:publish",
)
DEPTH = {
    room: depth
    for depth, rooms in enumerate(
        [("insurance_navigator",), ("app",), ("flows",), ("deployments",), ("stages",),
         ("checks", "clients", "blocks"), ("pipeline",)]
    )
    for room in rooms
}  # fmt: skip
WRAPPERS = (
    "pipeline/store/connection_retries.py",  # retries what it decorates
    "pipeline/concurrency.py",  # runs what it is given, side by side
    "pipeline/correlation.py",
)
"""What calls a function that was handed to it is no step of the walk."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The functions that `navigator ingest` of one document calls, and its steps between rooms."""
    folder = tmp_path_factory.mktemp("walk")
    policy = folder / "home.md"
    policy.write_text("# Home\n\n## Theft\n\nTheft of bicycles is covered up to 500 dollars.\n" * 3)
    record = folder / "walk.json"
    navigator = Navigator(folder / "home")
    prepare_home(navigator.home)
    done = subprocess.run(
        [sys.executable, "-m", "tests.walking", str(record), "ingest", str(policy)],
        cwd=ROOT, env=navigator.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(record.read_text("utf-8"))
    return found


def test_the_stages_come_in_their_order(walk: dict[str, list[str]]) -> None:
    """From intake to publication, each stage is entered after the one before."""
    assert [name for name in walk["functions"] if name in STAGES] == list(STAGES)


def test_no_step_goes_back_up(walk: dict[str, list[str]]) -> None:
    """A room calls those below it; none calls one above."""
    steps = [step.split(" → ") for step in walk["steps"]]
    assert len(steps) > 100
    back = [
        f"{caller} → {called}"
        for caller, called in steps
        if caller not in WRAPPERS
        and DEPTH[called.partition("/")[0]] < DEPTH[caller.partition("/")[0]]
    ]
    assert back == []


def test_the_architecture_page_tells_this_walk(walk: dict[str, list[str]]) -> None:
    """Every module that the page names on the way of a local ingest was called."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = page.split("## From upload to publish")[1].split("\n## ")[0]
    named = set(re.findall(r"`([\w/]+\.py)`", section)) - {"app/api/routes/uploads.py"}
    called = {name.partition(":")[0] for name in walk["functions"]}
    assert len(named) >= 10
    assert named <= called, named - called
