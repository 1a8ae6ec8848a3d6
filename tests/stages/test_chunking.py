"""Chunking a batch: what is buffered is what the job says, and one bad text is its own trouble."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pipeline.chunking import chunk_document
from pipeline.documents import ParsedDocument
from pipeline.identity import user_id
from pipeline.states import JobState
from stages import batch, chunking, validating
from tests.flows.corpus import Opener, policy, query, states
from tests.ingesting import accept, lose_text, parsed

ANNA = user_id("anna")
FAILURES = """
    SELECT d.name, j.error_message, j.error_remedy FROM upload_pipeline.upload_jobs AS j
    JOIN upload_pipeline.documents AS d ON d.latest_job_id = j.id WHERE j.state = 'failed_chunking'
"""
BUFFERED = """
    SELECT d.name, j.chunks, j.tokens, count(b.*) AS buffered, sum(b.tokens) AS buffered_tokens
    FROM upload_pipeline.upload_jobs AS j
    JOIN upload_pipeline.documents AS d ON d.latest_job_id = j.id
    JOIN upload_pipeline.document_chunk_buffer AS b ON b.job_id = j.id
    GROUP BY d.name, j.chunks, j.tokens
"""


async def test_each_job_tells_of_what_was_buffered(
    local: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written a group at a time, every document has as many chunks and tokens as its job says."""
    monkeypatch.setattr(chunking, "_GROUP_CHARACTERS", 500)
    for number in range(5):
        policy(folder, f"policy-{number}", sections=number + 1)
    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        async with batch.claim_batch(services, jobs, uuid4()) as held:
            await parsed(services, held)
            await validating.validate(services, held)
            done = await chunking.chunk(services, held)
        assert (done.advanced, done.failed) == (5, 0)
        found = await query(services, BUFFERED)
        assert sorted(row["name"] for row in found) == [f"policy-{n}.md" for n in range(5)]
        assert all(row["chunks"] == row["buffered"] >= 1 for row in found)
        assert all(row["tokens"] == row["buffered_tokens"] for row in found)


async def test_what_cannot_be_cut_fails_alone(
    local: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of the chunker, no chunks, a text that is gone: each says so, the others go on."""
    for name in ("good", "crashing", "barren", "gone"):
        policy(folder, name)

    def cut(document: ParsedDocument, *others: Any) -> Any:
        if "crashing" in document.text:
            raise ZeroDivisionError
        return [] if "barren" in document.text else chunk_document(document, *others)

    monkeypatch.setattr(chunking, "chunk_document", cut)
    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        async with batch.claim_batch(services, jobs, uuid4()) as held:
            await parsed(services, held)
            await validating.validate(services, held)
            await lose_text(services, held, JobState.PARSE_VALIDATED, "gone.md")
            done = await chunking.chunk(services, held)
        assert (done.advanced, done.failed) == (1, 3)
        assert (await states(services))["good.md"] == "chunks_stored"
        failures = {row["name"]: row for row in await query(services, FAILURES)}
        assert "internal error (ZeroDivisionError)" in failures["crashing.md"]["error_message"]
        assert failures["barren.md"]["error_message"] == "The text gave no chunks."
        assert set(failures) == {"crashing.md", "barren.md", "gone.md"}
        assert all(row["error_remedy"] for row in failures.values())
