"""Plans, and a person's retry, against the mock servers."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from mocks import LlamaParseMock
from pipeline.identity import user_id
from pipeline.sources import find_files
from pipeline.store import document_queries, events, job_queries, runs
from pipeline.store.registration import Outcome
from stages import planning, retrying
from tests.flows.corpus import Opener
from tests.ingesting import ingest

USER = user_id("planner")
TEXT = "# Policy\n\n" + "The insurer pays for loss by fire, theft and hail. " * 30


async def test_llamaparse_is_estimated_and_not_asked(
    local: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """A paid parser is not called for a plan: its pages are priced, and said to be an estimate."""
    (folder / "policy.md").write_text(TEXT)
    settings = {
        "parser": "llamaparse",
        "llama_cloud_api_key": "llx-test",
        "llama_cloud_base_url": llamaparse.base_url,
        "llama_cloud_tier": "agentic",
    }
    async with local(**settings) as services:
        plan = await planning.plan(services, find_files([str(folder)]), USER)
    (document,) = plan.documents
    assert document.estimated
    assert document.outcome is Outcome.NEW
    assert document.chunks > 1
    assert plan.cost_usd == services.settings.llama_cloud_usd_per_credit * 10
    assert llamaparse.stats()["requests"] == 0


async def test_the_same_text_twice_is_counted_once(local: Opener, folder: Path) -> None:
    """Two files with the same words need one set of vectors."""
    (folder / "one.md").write_text(TEXT)
    (folder / "two.md").write_text(TEXT)
    async with local() as services:
        plan = await planning.plan(services, find_files([str(folder)]), USER)
    first, second = plan.documents
    assert first.new_chunks > 0
    assert (second.chunks, second.new_chunks, second.tokens) == (first.chunks, 0, 0)


async def test_sync_counts_what_has_vanished(local: Opener, folder: Path) -> None:
    """With sync a plan says how many documents would be deleted, and deletes none."""
    for name in ("stays.md", "goes.md"):
        (folder / name).write_text(f"{TEXT}{name}")
    async with local() as services:
        await ingest(services, [folder], USER)
        (folder / "goes.md").unlink()
        found = find_files([str(folder)])
        assert (await planning.plan(services, found, USER, sync=True)).vanished == 1
        assert (await planning.plan(services, found, USER)).vanished == 0
        assert not await planning.needs_work(services, found, USER)
        async with services.database.reader(USER) as connection:
            assert (await document_queries.documents_by_name(connection))[1] == 2


@pytest.mark.parametrize("chunk_tokens", [64, 96])
async def test_a_retry_works_under_the_settings_of_today(
    local: Opener, folder: Path, chunk_tokens: int
) -> None:
    """A failed job goes back to its last good state; under other settings a new job replaces it."""
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    async with local() as services:
        run_id = await ingest(services, [folder], USER)
        async with services.database.reader(USER) as connection:
            (failed,) = await runs.run_documents(connection, run_id)
    assert failed.state == "failed_parse"
    async with local(chunk_tokens=chunk_tokens) as services:
        (job,) = await retrying.retry_jobs(services, USER, uuid4(), [failed.job_id])
        async with services.database.reader(USER) as connection:
            jobs = await job_queries.document_versions(connection, failed.document_id)
            told = await events.of_document(connection, failed.document_id)
    assert (job == failed.job_id) is (chunk_tokens == 64)
    assert {each.job_id: each.state for each in jobs}[job] == "uploaded"
    assert told[-1].actor == "person"
