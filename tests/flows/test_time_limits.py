"""No flow runs for ever: what takes too long gives its documents back and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from app.worker.entrypoints import served_flows
from flows.time_limits import TimeLimit, limited_run
from mocks import OpenAIMock
from pipeline.errors import ServiceUnavailable
from pipeline.identity import user_id
from pipeline.settings import Settings
from pipeline.store import runs
from stages.services import open_services
from tests.flows.corpus import policy
from tests.flows.working import Worker, rows

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def slow(openai: OpenAIMock) -> Iterator[OpenAIMock]:
    """The embedder takes two minutes to answer."""
    openai.faults({"fault": {"kind": "latency", "seconds": 120}})
    yield openai
    openai.faults()


def test_every_flow_has_one() -> None:
    """Prefect's own limit stands behind ours on each flow that is served."""
    assert all(flow.timeout_seconds for flow in served_flows().values())


@pytest.mark.answers_lost(1, "the time is over before the answer comes")
@pytest.mark.slow
def test_a_batch_that_takes_too_long_gives_back(
    worker: Worker, slow: OpenAIMock, variables: dict[str, str], tmp_path: Path
) -> None:
    """Batch and run fail and say why; nobody holds the document, and nobody stopped it."""
    worker.run("backfill", {"select": "waiting"})  # it has imported everything now
    policy(tmp_path, "late")
    factor = str(10 / (6 * 3600))  # of a batch's six hours
    ended = worker.run("ingest", {"paths": [str(tmp_path)]}, NAVIGATOR_TIME_LIMIT_FACTOR=factor)
    assert ended["type"] == "FAILED", ended
    assert "It took longer than a batch may (0:00:10)" in ended["message"]
    found = rows(
        variables["DATABASE_URL"],
        "SELECT claimed_by, stopped FROM upload_pipeline.upload_jobs",
    )
    assert found == [(None, None)]


async def test_a_run_that_takes_too_long_says_so(database_url: str, tmp_path: Path) -> None:
    """The reason stands with the run; what runs inside is cancelled once, and may give back."""
    given = Settings(database_url=SecretStr(database_url), home=tmp_path, time_limit_factor=0.005)
    async with open_services(given) as services:
        run = uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run, user_id("anna"), "backfill")
        gave_back = False
        with pytest.raises(ServiceUnavailable, match="It took longer than a tidying may"):
            async with limited_run(services, run, TimeLimit.TIDYING):
                try:
                    await asyncio.Event().wait()
                finally:
                    await asyncio.sleep(0.2)
                    gave_back = True
    assert gave_back
    [(ended, why)] = rows(
        database_url, "SELECT finished_at, stopped FROM upload_pipeline.ingest_runs"
    )
    assert ended is not None
    assert why.startswith("It took longer than a tidying may")
