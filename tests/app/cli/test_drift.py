"""`navigator drift`: tells what differs, and its exit code says whether something is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.navigating import Navigator
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

TRIAL = """
extends: base
secrets:
  database_url: {{env: TRIAL_DATABASE_URL}}
settings:
  database_idle_seconds: 0
  engine_idle_seconds: 0
prefect:
  api_url: {url}
pool:
  name: trial
accepted:
  - {{what: "deployment *", reason: not deployed yet}}
  - {{what: "block type *", reason: no forms needed}}
  - {{what: "queue mine", reason: a flow of our own, until: 2999-01-01}}
"""


@pytest.fixture
def navigator(prefect_server: PrefectServer, database_url: str, tmp_path: Path) -> Navigator:
    """The command, with an environment of its own on the session's Prefect server."""
    folder = tmp_path / "environments"
    folder.mkdir()
    (folder / "trial.yaml").write_text(TRIAL.format(url=prefect_server.url))
    variables = {"NAVIGATOR_ENVIRONMENTS": str(folder), "TRIAL_DATABASE_URL": database_url}
    return Navigator(tmp_path / "home", variables)


@pytest.mark.long
def test_drift_is_told_set_back_and_then_gone(navigator: Navigator) -> None:
    """Dry, it changes nothing and ends with 1; with --fix what is left decides the exit code."""
    dry = navigator("drift", "trial")
    assert dry.code == 1, dry.err
    assert "✗ work pool trial" in dry.out
    assert "declared: process" in dry.out
    assert "is: nothing" in dry.out
    assert "deployment sweep: accepted (not deployed yet)" in dry.out
    assert "1 difference of trial from what it declares" in dry.out
    assert "`navigator drift trial --fix` sets 1 of them back." in dry.err
    assert "Accepted in the environment's file, and not found: queue mine" in dry.err
    fixed = navigator("drift", "trial", "--fix", "--json")
    assert fixed.code == 0, fixed.err
    assert (fixed.json["left"], fixed.json["repaired"]) == (0, 1)
    assert fixed.json["accepted_and_not_found"] == ["queue mine"]


def test_an_unknown_environment_is_said(tmp_path: Path) -> None:
    """A name without a file ends with a sentence that names those that there are."""
    ended = Navigator(tmp_path / "home").here("drift", "nowhere")
    assert ended.code != 0
    assert "There is no environment 'nowhere'" in ended.err
