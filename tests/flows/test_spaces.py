"""The flows `build-space` and `check-spaces`, and what an ingest does for a space beside."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import pytest

from mocks import OpenAIMock
from stages.golden.questions import Expected, GoldenQuestion, write_questions
from stages.services import open_services
from stages.spaces.building import begin_space, plan_space
from tests.flows.corpus import policy
from tests.flows.test_maintain import _settings
from tests.flows.working import Worker, rows
from tests.stages.spaces.building import large

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(400)]

LACKING = """
    SELECT count(*) FROM upload_pipeline.document_chunks AS c WHERE NOT EXISTS (
        SELECT FROM upload_pipeline.chunk_vectors AS v
        WHERE v.chunk_id = c.id AND v.space_id = '{}')
"""


async def begun(variables: dict[str, str], openai: OpenAIMock) -> UUID:
    """A second space, which is filled from now on."""
    async with open_services(_settings(variables)) as services, AsyncExitStack() as stack:
        plan = await plan_space(services, large(openai), stack)
        return (await begin_space(services, plan)).space.id


async def test_a_space_is_built_fed_by_ingests_and_asked_every_night(
    worker: Worker, openai: OpenAIMock, variables: dict[str, str], tmp_path: Path
) -> None:
    """Built by its flow; what is ingested later is in it too; the night asks what is kept in a
    file, and Prefect is told no question."""
    folder = tmp_path / "policies"
    folder.mkdir()
    policy(folder, "spaced")
    worker.run("ingest", {"paths": [str(folder)]})
    space = await begun(variables, openai)
    built = worker.run("build-space", {"space_id": str(space)})
    assert "0 documents left" in built["message"], built
    lacking = LACKING.format(space)
    assert rows(variables["DATABASE_URL"], lacking) == [(0,)]
    policy(folder, "later")
    worker.run("ingest", {"paths": [str(folder)]})
    assert rows(variables["DATABASE_URL"], lacking) == [(0,)]
    asked = "what does policy spaced pay for kind 2"
    question = GoldenQuestion(question=asked, expected=(Expected(document="spaced.md"),))
    write_questions(Path(variables["NAVIGATOR_HOME"]) / "golden.jsonl", [question])
    night = worker.run("check-spaces", {"max_cost_usd": 1})
    assert night["message"].startswith("1 golden questions: nDCG 1.000"), night
    assert asked not in json.dumps(night)
