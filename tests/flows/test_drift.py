"""The flow `drift`: what differs is shown and told; with `fix` it is set back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.test_alerting import OPS, alerts, channel
from tests.flows.working import Account, Worker

__all__ = ["alerts", "channel"]

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(400)]

TRIAL = """
extends: base
pool:
  name: of-the-flow
accepted:
  - {what: "deployment *", reason: not deployed}
  - {what: "block type *", reason: no forms needed}
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables of a worker of an environment that has no work pool yet."""
    (tmp_path / "trial.yaml").write_text(TRIAL)
    named = {"NAVIGATOR_ENVIRONMENTS": str(tmp_path), "NAVIGATOR_ENVIRONMENT": "trial"}
    return {**named, **OPS}


def test_drift_is_told_and_set_back_when_the_form_says_so(
    worker: Worker, account: Account, alerts: list[dict[str, str]], environment: dict[str, str]
) -> None:
    """The run ends as Drift with a table and one alert, without values; with fix all is well."""
    look = worker.run("drift", {}, **environment)
    assert look["name"] == "Drift"
    assert look["message"].startswith("1 difference of trial from what it declares")
    [alert] = alerts
    assert alert["title"] == "Drift was found"
    assert "- work pool of-the-flow" in alert["message"]
    [artifact] = [each for each in account.all("artifacts") if each["key"] == "drift"]
    assert "| work pool of-the-flow | process | nothing |" in artifact["data"]
    fixed = worker.run("drift", {"fix": True}, **environment)
    assert fixed["name"] == "Completed"
    assert fixed["message"].startswith("No difference of trial from what it declares (1 set back")
    assert len(alerts) == 1
