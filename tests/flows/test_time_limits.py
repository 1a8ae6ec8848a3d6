"""No flow runs for ever: what takes too long gives its documents back and says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.worker.entrypoints import served_flows
from mocks import OpenAIMock
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


@pytest.mark.slow
@pytest.mark.parametrize("shortest", ["batch", "ingest"])
def test_what_takes_too_long_gives_back(
    worker: Worker, slow: OpenAIMock, variables: dict[str, str], tmp_path: Path, shortest: str
) -> None:
    """The run fails and says why; nobody holds its document, and nobody stopped it."""
    policy(tmp_path, f"late-{shortest}")
    # of six hours and of twenty-four: some seconds
    factor = 8 / (6 * 3600) if shortest == "batch" else 8 / (24 * 3600)
    ended = worker.run(
        "ingest", {"paths": [str(tmp_path)]}, NAVIGATOR_TIME_LIMIT_FACTOR=str(factor)
    )
    assert ended["type"] == "FAILED", ended
    assert "It took longer than a" in ended["message"]
    found = rows(
        variables["DATABASE_URL"],
        "SELECT j.claimed_by, j.stopped, r.finished_at IS NULL, r.held_by"
        " FROM upload_pipeline.upload_jobs AS j JOIN upload_pipeline.documents AS d"
        "   ON d.latest_job_id = j.id JOIN upload_pipeline.ingest_runs AS r ON r.id = j.run_id"
        f" WHERE d.name = 'late-{shortest}.md'",
    )
    assert found == [(None, None, False, None)]
