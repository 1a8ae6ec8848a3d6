"""The flow `maintain`: beside work it finds nothing; what it finds is shown and told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from mocks import OpenAIMock
from pipeline.settings import Settings
from stages.reconciling.checks import CHECKS
from stages.reconciling.inspection import Inspection, Outcome, reconcile
from stages.services import open_services
from tests.flows.corpus import policy
from tests.flows.test_alerting import OPS, alerts, channel
from tests.flows.working import KEY, Account, Worker, execute, rows
from tests.prefect_server import PrefectServer

__all__ = ["alerts", "channel"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def prefect_server(fresh_prefect_server: PrefectServer) -> PrefectServer:
    """One of its own: the flow finds what other modules left there."""
    return fresh_prefect_server


@pytest.mark.long
async def test_beside_an_ingest_it_finds_nothing(
    worker: Worker, openai: OpenAIMock, variables: dict[str, str], tmp_path: Path
) -> None:
    """Looks while documents are stored, embedded and published see no damage, and do none."""
    for number in range(12):
        policy(tmp_path, f"beside-{number}")
    openai.faults({"fault": {"kind": "latency", "seconds": 0.3}})
    worker.send("ingest", {"paths": [str(tmp_path)], "options": {"batch_size": 4}})
    answer = asyncio.create_task(asyncio.to_thread(worker.answer))
    states = "SELECT DISTINCT state FROM upload_pipeline.upload_jobs"
    seen: set[str] = set()
    looks: list[Outcome] = []
    async with open_services(_settings(variables)) as services:
        while not answer.done():
            seen |= {state for (state,) in rows(variables["DATABASE_URL"], states)}
            looks.append(await reconcile(Inspection(services, fix=True), CHECKS))
    openai.faults()
    ended = await answer
    assert ended["message"] == "Documents: 12 published", ended
    assert seen - {"complete"}, "no look was made while documents were under way"
    assert [(look.tallies, look.unlooked) for look in looks] == [({}, {})] * len(looks)


def _settings(variables: dict[str, str]) -> Settings:
    return Settings(
        database_url=SecretStr(variables["DATABASE_URL"]),
        home=Path(variables["NAVIGATOR_HOME"]),
        chunk_tokens=64,
        chunk_overlap_tokens=8,
        parse_workers=1,
        openai_api_key=SecretStr(KEY),
        openai_base_url=variables["OPENAI_BASE_URL"],
    )


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
