"""Runs that meet, stop and die: whose a document is, and who takes it up again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from mocks import OpenAIMock
from pipeline.identity import user_id
from pipeline.settings import Settings
from stages.services import open_services
from tests.flows.backfilling import (
    DOCUMENTS,
    OTHER,
    pause,
    progress,
    published,
    until_published,
)
from tests.flows.corpus import policy
from tests.flows.working import KEY, Account, Worker, rows, start_worker
from tests.ingesting import accept
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

STANDS = """
    SELECT d.name, j.state, j.stopped, j.chunker, j.id FROM upload_pipeline.documents AS d
    JOIN upload_pipeline.upload_jobs AS j ON j.id = d.latest_job_id ORDER BY d.name
"""


@pytest.fixture
def free(openai: OpenAIMock) -> Iterator[OpenAIMock]:
    """The embedder without faults, also afterwards."""
    openai.faults()
    yield openai
    openai.faults()


def stands(variables: dict[str, str], prefix: str) -> dict[str, tuple[str, str | None, str, UUID]]:
    """State, stop, chunker and id of the newest job of each document whose name begins so."""
    found = rows(variables["DATABASE_URL"], STANDS)
    return {name: tuple(rest) for name, *rest in found if name.startswith(prefix)}


def test_what_a_cap_stopped_waits_for_a_person(
    worker: Worker, free: OpenAIMock, variables: dict[str, str], tmp_path: Path
) -> None:
    """A sweep spends nothing on it; whoever asks for it by name has it published."""
    for name in ("cap-a", "cap-b", "cap-c"):
        policy(tmp_path, name)
    capped = {"max_cost_usd": "0.0000001"}
    stopped = worker.run("ingest", {"paths": [str(tmp_path)], "options": capped})
    assert stopped["name"] == "Stopped", stopped
    found = stands(variables, "cap-")
    assert [stop for _, stop, *_ in found.values()] == ["cost_cap_reached"] * 3
    asked = free.stats()["requests"]
    assert worker.run("backfill", {"select": "waiting"})["name"] == "Nothing waits"
    assert free.stats()["requests"] == asked
    jobs = [str(job) for *_, job in found.values()]
    resumed = worker.run("backfill", {"job_ids": jobs, "user": "anna"})
    assert resumed["message"] == "Documents: 3 published"


def test_a_batch_with_waiting_documents_is_not_completed(
    worker: Worker, free: OpenAIMock, variables: dict[str, str], tmp_path: Path
) -> None:
    """Asked for what a person has to resume, a batch fails and says so; later nothing waits."""
    policy(tmp_path, "held-back")
    capped = {"max_cost_usd": "0.0000001"}
    worker.run("ingest", {"paths": [str(tmp_path)], "options": capped})
    [(*_, job)] = stands(variables, "held-back").values()
    asked = {"job_ids": [str(job)], "run_id": str(uuid4()), "label": "asked"}
    ended = worker.run("ingest-documents", asked)
    assert (ended["type"], ended["name"]) == ("FAILED", "Not finished"), ended
    assert ended["message"] == "0 of 1 documents published; 1 are waiting"
    worker.run("backfill", {"job_ids": [str(job)], "user": "anna"})
    ended = worker.run("ingest-documents", asked)
    assert (ended["type"], ended["name"]) == ("COMPLETED", "Nothing waited"), ended


def test_two_ingests_of_one_folder_share_it(
    worker: Worker,
    free: OpenAIMock,
    prefect_server: PrefectServer,
    variables: dict[str, str],
    tmp_path: Path,
) -> None:
    """The second leaves the first its documents, waits for them, and both end well."""
    for name in ("two-a", "two-b"):
        policy(tmp_path, name)
    free.faults({"fault": {"kind": "latency", "seconds": 3}})
    other = start_worker(tmp_path, prefect_server.environment, variables)
    other.run("backfill", {"select": "waiting"})  # it has imported everything now
    asked = free.stats()
    worker.send("ingest", {"paths": [str(tmp_path)]})
    owned = "SELECT count(*) FROM upload_pipeline.upload_jobs WHERE claimed_by IS NOT NULL"
    deadline = time.monotonic() + 240
    while not rows(variables["DATABASE_URL"], owned)[0][0] and time.monotonic() < deadline:
        time.sleep(0.05)
    second = other.run("ingest", {"paths": [str(tmp_path)]})
    first = worker.answer()
    other.end()
    assert (first["type"], first["message"]) == ("COMPLETED", "Documents: 2 published")
    # "unchanged" when the first was quicker than the second's start
    assert second["type"] == "COMPLETED", second
    assert second["message"] in {"Documents: 2 published", "Documents: 2 unchanged"}
    assert free.stats()["repeated_inputs"] == asked["repeated_inputs"]
    assert {state for state, *_ in stands(variables, "two-").values()} == {"complete"}


def test_what_was_accepted_under_other_settings_is_not_forgotten(
    worker: Worker, free: OpenAIMock, variables: dict[str, str], tmp_path: Path
) -> None:
    """With other sizes it ends under those; with another embedder it is taken up under today's."""
    sized = [policy(tmp_path, "sized")]
    local = [policy(tmp_path, "local")]
    base: dict[str, Any] = {"home": Path(variables["NAVIGATOR_HOME"]), "chunk_overlap_tokens": 8}
    url = SecretStr(variables["DATABASE_URL"])
    openai = Settings(
        database_url=url, chunk_tokens=90, openai_api_key=SecretStr(KEY),
        openai_base_url=variables["OPENAI_BASE_URL"], **base,
    )  # fmt: skip
    other = Settings(database_url=url, chunk_tokens=64, embedder="wordllama", **base)

    async def accept_all() -> None:
        for settings, files in ((openai, sized), (other, local)):
            async with open_services(settings) as services:
                await accept(services, files, user_id("anna"))

    asyncio.run(accept_all())
    swept = worker.run("backfill", {"select": "waiting"})
    assert swept["message"] == "Documents: 2 published", swept
    found = stands(variables, "")
    assert (found["sized.md"][0], found["sized.md"][2][:16]) == ("complete", "markdown-3:90/8:")
    assert (found["local.md"][0], found["local.md"][2][:16]) == ("complete", "markdown-3:64/8:")


def test_a_worker_of_another_installation_says_so(worker: Worker, account: Account) -> None:
    """A batch whose documents are in another database fails, and names both installations."""
    strange = {"job_ids": [str(uuid4())], "run_id": str(uuid4()), "label": "strange"}
    answer = worker.run("ingest-documents", strange | {"installation": str(uuid4())})
    assert answer["type"] == "FAILED"
    assert "This worker's database is the installation" in answer["message"]


@pytest.mark.long
def test_a_backfill_is_paused_and_resumed(
    worker: Worker, free: OpenAIMock, module_database_url: str, tmp_path: Path
) -> None:
    """It ends as stopped, no sweep takes it up, and resumed it finishes with what it chose."""
    asked = published(worker, tmp_path)
    run = asked["run_id"]
    free.faults({"fault": {"kind": "latency", "seconds": 1}})
    before = free.stats()["repeated_inputs"]
    worker.send("backfill", asked, **OTHER)
    until_published(module_database_url, run, 1)
    pause(module_database_url, run)
    ended = worker.answer()
    assert (ended["type"], ended["name"]) == ("COMPLETED", "Stopped"), ended
    assert "A person paused the backfill" in ended["message"]
    free.faults()
    done, stopped = progress(module_database_url, run)
    assert (1 <= done < DOCUMENTS, done + stopped) == (True, DOCUMENTS)
    assert worker.run("backfill", {}, **OTHER)["name"] == "Nothing waits"
    assert worker.run("backfill", asked, **OTHER)["name"] == "Paused"
    resumed = worker.run("backfill", {**asked, "choice": {}, "resume": True}, **OTHER)
    assert (resumed["type"], resumed["message"]) == (
        "COMPLETED",
        f"Documents: {DOCUMENTS} published",
    )
    assert free.stats()["repeated_inputs"] == before
