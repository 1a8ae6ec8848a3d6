"""The flow `maintain`: beside work it finds nothing; what it finds is shown and told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mocks import OpenAIMock
from tests.flows.corpus import policy
from tests.flows.test_alerting import OPS, alerts, channel
from tests.flows.working import Account, Worker, execute, rows, start_worker
from tests.prefect_server import PrefectServer

__all__ = ["alerts", "channel"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_beside_an_ingest_it_finds_nothing(
    worker: Worker,
    openai: OpenAIMock,
    prefect_server: PrefectServer,
    variables: dict[str, str],
    tmp_path: Path,
) -> None:
    """Looks while documents are stored, embedded and published see no damage, and do none."""
    for number in range(40):
        policy(tmp_path, f"beside-{number}")
    openai.faults({"fault": {"kind": "latency", "seconds": 0.5}})
    other = start_worker(tmp_path, prefect_server.environment, variables)
    other.run("maintain", {})  # it has imported everything now
    worker.send("ingest", {"paths": [str(tmp_path)], "options": {"batch_size": 4}})
    under_way = "SELECT count(*) FROM upload_pipeline.upload_jobs WHERE state <> 'complete'"
    looks, during = [], 0
    while not looks or (looks[-1:] and rows(variables["DATABASE_URL"], under_way)[0][0]):
        during += bool(rows(variables["DATABASE_URL"], under_way)[0][0])
        looks.append(other.run("maintain", {}))
    ended = worker.answer()
    other.end()
    openai.faults()
    assert ended["message"] == "Documents: 40 published", ended
    assert {(look["type"], look["message"]) for look in looks} == {
        ("COMPLETED", "Nothing is wrong.")
    }
    assert during > 0, "no look was made while documents were under way"


def test_what_newly_needs_a_person_is_told_once(
    worker: Worker,
    account: Account,
    variables: dict[str, str],
    alerts: list[dict[str, str]],
    tmp_path: Path,
) -> None:
    """By the alert block, without a name; the artifact has the ids, and what to do."""
    policy(tmp_path, "wuthering")
    options = {"max_cost_usd": "0.0000001"}
    worker.run("ingest", {"paths": [str(tmp_path)], "options": options})
    alerts.clear()
    look = worker.run("maintain", {}, **OPS)
    assert (look["name"], look["message"]) == (
        "Needs a person", "1 finding, 0 mended, 1 needs a person."
    )  # fmt: skip
    [alert] = alerts
    assert alert["title"] == "Something needs a person"
    assert "navigator resume RUN" in alert["message"]
    worker.run("maintain", {}, **OPS)
    assert len(alerts) == 1
    [artifact, *_] = [
        each for each in account.all("artifacts", sort="CREATED_DESC")
        if each["key"] == "maintenance"
    ]  # fmt: skip
    run = rows(variables["DATABASE_URL"], "SELECT run_id FROM upload_pipeline.upload_jobs "
               "WHERE stopped IS NOT NULL")[0][0]  # fmt: skip
    assert f"`run {run}`" in artifact["data"]
    assert "A person must decide" in artifact["data"]
    assert "wuthering" not in json.dumps([alerts, artifact])
    execute(variables["DATABASE_URL"], "UPDATE upload_pipeline.upload_jobs SET stopped = NULL")
    worker.run("backfill", {"select": "waiting"})
