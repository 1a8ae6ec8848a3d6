"""The gate over what really lies in the buffers: damage is caught, named and held back."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from pipeline.errors import BrokenGate
from pipeline.identity import user_id
from pipeline.states import JobState
from pipeline.store.retrying import retry_jobs
from pipeline.store.transitions import Actor
from stages import gating, publishing
from stages.batch import claim_batch
from tests.flows.corpus import Opener, change, corpus, policy, query, states
from tests.ingesting import accept, ingest, until_gate

ANNA = user_id("anna")
CHUNK = "UPDATE upload_pipeline.document_chunk_buffer SET {} WHERE job_id = :job AND ordinal = 1"
VECTOR = """
    UPDATE upload_pipeline.document_vector_buffer SET embedding = {}
    WHERE sha256 = (SELECT sha256 FROM upload_pipeline.document_chunk_buffer
                    WHERE job_id = :job AND ordinal = 1)
"""
CHUNKS_GONE = "DELETE FROM upload_pipeline.document_chunk_buffer WHERE job_id = :job AND {}"
DAMAGE = {
    "text": (CHUNK.format("text = 'Not ' || substr(text, 5)"), {"hash_agrees", "text_rebuilds"}),
    "offsets": (
        CHUNK.format("start_offset = start_offset + 3, end_offset = end_offset + 3"),
        {"text_rebuilds"},
    ),
    "headings": (CHUNK.format("heading_path = ARRAY['Another']"), {"hash_agrees"}),
    "context": (CHUNK.format("context = 'Columns: Another'"), {"hash_agrees"}),
    "size": (CHUNK.format("tokens = 9000"), {"within_size"}),
    "hole": (CHUNKS_GONE.format("ordinal = 1"), {"contiguous", "nothing_lost"}),
    "end": (CHUNKS_GONE.format("ordinal > 1"), {"nothing_lost"}),
    "nothing": (CHUNKS_GONE.format("true"), {"in_frame"}),
    "missing": (VECTOR.format("NULL"), {"one_each"}),
    "norm": (VECTOR.format("embedding + embedding"), {"unit_norm"}),
    "zero": (VECTOR.format("embedding - embedding"), {"unit_norm"}),
    "dimension": (VECTOR.format("'[0.6,0.8]'"), {"dimension"}),
}
"""By the document's name: a statement that does the damage, and the rules that must notice it."""


async def test_damage_is_quarantined_in_words_and_the_others_go_on(
    local: Opener, folder: Path
) -> None:
    """Each damaged document is held back for its own reason; the one that is whole is published."""
    for name in ("whole", *DAMAGE):
        policy(folder, name)
    run = uuid4()
    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        async with claim_batch(services, jobs, run) as held:
            await until_gate(services, held)
            found = await query(
                services,
                """
                SELECT j.id, d.name FROM upload_pipeline.upload_jobs AS j
                JOIN upload_pipeline.documents AS d ON d.id = j.document_id
                """,
            )
            ids = {row["name"].removesuffix(".md"): row["id"] for row in found}
            for name, (statement, _) in DAMAGE.items():
                await change(services, statement, job=ids[name])
            passed, result, _ = await gating.gate(services, held)
            await publishing.publish(services, held, passed)
        assert passed == [ids["whole"]]
        assert (result.advanced, result.failed) == (1, len(DAMAGE))
        assert await states(services) == {
            f"{name}.md": "complete" if name == "whole" else "quarantined" for name in ids
        }
        assert {chunk[0] for chunk in await corpus(services)} == {"whole.md"}
        rows = await query(
            services,
            """
            SELECT q.*, j.error_code, j.error_message, j.error_remedy
            FROM upload_pipeline.quality_results AS q
            LEFT JOIN upload_pipeline.upload_jobs AS j ON j.id = q.job_id
            WHERE q.suite IN ('chunks', 'vectors') ORDER BY q.id
            """,
        )
        for name, (_, rules) in DAMAGE.items():
            own = [row for row in rows if row["job_id"] == ids[name] and not row["success"]]
            assert rules <= {row["rule"] for row in own}, name
            assert {(row["run_id"], row["user_id"]) for row in own} == {(run, ANNA)}
            assert {row["error_code"] for row in own} == {"quarantined"}
            message = own[0]["error_message"].lower()
            assert any(row["sentence"].split(" (")[0].lower() in message for row in own), name
            assert own[0]["error_remedy"]
        whole = [row for row in rows if row["job_id"] is None]
        assert len(whole) == 14
        assert {(row["user_id"], row["run_id"]) for row in whole} == {(ANNA, run)}
        failed = {(row["suite"], row["rule"]): row["failed"] for row in whole}
        assert failed[("vectors", "unit_norm")] >= 2
        assert failed[("chunks", "not_blank")] == 0
        assert not [row for row in rows if row["job_id"] == ids["whole"]]


async def test_a_picture_written_into_the_text_is_no_loss(local: Opener, folder: Path) -> None:
    """What chunks leave out on purpose is not missed, and no piece of it is embedded."""
    picture = f"![seal](data:image/png;base64,{'iVBORw0KGgo' * 500})"
    policy(folder, "home", extra=f"Before the seal.\n\n{picture}\n\nAfter the seal.")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        texts = [row["text"] for row in await query(
            services, "SELECT text FROM upload_pipeline.document_chunks"
        )]  # fmt: skip
        assert any("After the seal." in text for text in texts)
        assert not any("base64" in text for text in texts)


async def test_a_gate_that_cannot_judge_publishes_nothing(local: Opener, folder: Path) -> None:
    """No row to judge is no pass: an error, and the job stays where it is."""
    policy(folder, "home")
    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        with pytest.raises(BrokenGate, match="no ChunkRow rows to check"):
            async with claim_batch(services, jobs, uuid4()) as held:
                await until_gate(services, held)
                await change(services, CHUNKS_GONE.format("true"), job=jobs[0])
                await gating.gate(services, held)
        assert await states(services) == {"home.md": "embeddings_stored"}
        assert await corpus(services) == []
        found = await query(
            services,
            "SELECT 1 FROM upload_pipeline.quality_results WHERE suite <> 'fidelity'",
        )
        assert found == []


async def test_a_quarantined_document_is_made_anew_by_a_retry(local: Opener, folder: Path) -> None:
    """Damage that was not the document's own is gone after a person's retry."""
    policy(folder, "home")
    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        run = uuid4()
        async with claim_batch(services, jobs, run) as held:
            await until_gate(services, held)
            await change(services, DAMAGE["text"][0], job=jobs[0])
            await change(services, DAMAGE["norm"][0], job=jobs[0])
            passed, *_ = await gating.gate(services, held)
            assert passed == []
        async with services.database.service() as connection:
            assert await retry_jobs(connection, jobs, Actor(services.worker, run)) == set(jobs)
        assert await states(services) == {"home.md": JobState.UPLOADED}
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
