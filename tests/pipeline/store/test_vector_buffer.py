"""Vectors on their way: a text is asked for once, whoever asks first."""

from __future__ import annotations

import asyncio
import math
import random
import subprocess
import sys
from uuid import UUID

import numpy as np
import pytest
import sqlalchemy as sa

from pipeline.states import JobState
from pipeline.store import vector_buffer, vector_facts
from pipeline.store.claims import ClaimedJob
from pipeline.store.deletion import delete_documents
from pipeline.store.engine import Database
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor
from pipeline.store.vector_buffer import PendingText, Reservation
from tests.pipeline.store.making import (
    ANNA,
    DIMENSION,
    FIRST,
    LEASE,
    SECOND,
    SPACE,
    claim,
    embed,
    passages,
    published,
    register,
    sha_of,
    source,
    step,
    store_chunks,
    table,
    vector,
)
from tests.pipeline.store.waiting import until_somebody_waits


async def chunked(
    database: Database, *documents: tuple[str, ...], worker: str = FIRST
) -> list[ClaimedJob]:
    """Jobs at `chunks_stored`, each with its passages."""
    files = [source(f"{worker[:5]}-{n}.md", str(texts)) for n, texts in enumerate(documents)]
    found = await register(database, files)
    jobs = await claim(database, [each.job_id for each in found], worker)
    for job, texts in zip(jobs, documents, strict=True):
        for start, target in [
            (JobState.UPLOADED, JobState.PARSE_QUEUED),
            (JobState.PARSE_QUEUED, JobState.PARSED),
            (JobState.PARSED, JobState.PARSE_VALIDATED),
        ]:
            assert await step(database, job, start, target, worker)
        assert await store_chunks(database, job, passages(*texts), worker)
    return jobs


async def reserve(
    database: Database, jobs: list[UUID], worker: str = FIRST, lease_seconds: float = LEASE
) -> list[PendingText]:
    """Reserve in a transaction of its own."""
    return (await reservation(database, jobs, worker, lease_seconds)).texts


async def reservation(
    database: Database, jobs: list[UUID], worker: str = FIRST, lease_seconds: float = LEASE
) -> Reservation:
    """The same, with whether it is whole."""
    async with database.service() as connection:
        return await vector_buffer.reserve(connection, jobs, SPACE, worker, lease_seconds)


async def persist(database: Database, texts: list[PendingText]) -> int:
    """Keep the right vectors for the texts; how many have theirs now."""
    vectors = np.array([vector(text.sha256) for text in texts], dtype=np.float32)
    async with database.service() as connection:
        return await vector_buffer.persist(connection, SPACE, texts, vectors)


async def count_missing(database: Database, jobs: list[UUID]) -> int:
    """How many texts still lack a vector."""
    async with database.service() as connection:
        return await vector_buffer.count_missing(connection, jobs, SPACE)


def ids(jobs: list[ClaimedJob]) -> list[UUID]:
    """The ids alone."""
    return [job.job_id for job in jobs]


async def test_a_repeated_text_is_reserved_once_with_the_headings_above_it(store: Database) -> None:
    """What is sent is the embedding text, once for a batch however often it occurs."""
    jobs = await chunked(store, ("same", "a"), ("same", "same", "b"))
    pending = await reserve(store, ids(jobs))
    assert sorted(text.text for text in pending) == ["Policy\n\na", "Policy\n\nb", "Policy\n\nsame"]
    assert {text.job_id for text in pending} <= set(ids(jobs))
    assert await reserve(store, ids(jobs), SECOND) == []
    assert await count_missing(store, ids(jobs)) == 3


async def test_concurrent_batches_reserve_each_text_once(store: Database) -> None:
    """Eight batches over shared texts, at once: every text goes to exactly one of them."""
    words = [f"passage {number}" for number in range(60)]
    documents = [tuple(random.Random(seed).sample(words, 30)) for seed in range(8)]
    jobs = await chunked(store, *documents)
    reserved = await asyncio.gather(
        *(reserve(store, [job.job_id], f"host-{n}/1/1/1") for n, job in enumerate(jobs))
    )
    shas = [text.sha256 for texts in reserved for text in texts]
    assert sorted(shas) == sorted({sha_of(word) for texts in documents for word in texts})


async def test_an_answer_serves_everyone_who_waits_for_the_text(store: Database) -> None:
    """The second batch has nothing to reserve and, after the answer, nothing missing."""
    first = await chunked(store, ("same", "mine"))
    second, third = (
        [job] for job in await chunked(store, ("same",), ("same", "other"), worker=SECOND)
    )
    found = await reservation(store, ids(first))
    assert found.whole
    pending = found.texts
    # what others have under way, nobody else has got when his own texts are answered
    assert not (await reservation(store, ids(third), SECOND)).whole
    assert await reserve(store, ids(second), SECOND) == []
    assert await count_missing(store, ids(second)) == 1
    assert await persist(store, pending) == 2
    assert await count_missing(store, ids(second)) == 0
    assert await reserve(store, ids(second), SECOND) == []


async def test_published_text_is_never_asked_for_again(store: Database) -> None:
    """A text that any document was published with needs no embedding, also for another one."""
    await published(store, "old.md", "known", "gone")
    jobs = await chunked(store, ("known", "new"))
    found = await reservation(store, ids(jobs))
    assert [text.sha256 for text in found.texts] == [sha_of("new")]
    # the document that lends its vector may be deleted before this one is published
    assert not found.whole


async def test_reservations_are_taken_over_when_the_lease_has_run_out(store: Database) -> None:
    """An unanswered text is asked for again by the next worker, and the late answer is harmless."""
    jobs = await chunked(store, ("text",))
    late = await reserve(store, ids(jobs), lease_seconds=-1)
    taken = await reserve(store, ids(jobs), SECOND)
    assert [text.sha256 for text in taken] == [sha_of("text")]
    await persist(store, late)
    await persist(store, taken)
    columns = "claimed_by, embedding::text AS embedding"
    [row] = await table(store, "document_vector_buffer", columns)
    assert row["claimed_by"] is None
    stored = [float(number) for number in row["embedding"].strip("[]").split(",")]
    assert stored == pytest.approx(vector(sha_of("text")), abs=1e-6)


async def test_reservations_of_a_dead_local_process_are_taken_over_at_once(store: Database) -> None:
    """The lease of a process of this machine that is gone need not run out."""
    program = "from pipeline.worker_identity import worker_name; print(worker_name())"
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    gone = ended.stdout.strip()
    jobs = await chunked(store, ("text",))
    assert len(await reserve(store, ids(jobs), gone, 3600)) == 1
    assert len(await reserve(store, ids(jobs), SECOND)) == 1


async def test_released_reservations_are_free_and_answers_stay(store: Database) -> None:
    """Giving back drops only the worker's own unanswered reservations."""
    jobs = await chunked(store, ("answered", "mine"))
    other = await chunked(store, ("theirs",), worker=SECOND)
    pending = await reserve(store, ids(jobs))
    await reserve(store, ids(other), SECOND)
    await persist(store, [text for text in pending if text.sha256 == sha_of("answered")])
    theirs = PendingText(sha_of("theirs"), other[0].job_id, ANNA, "theirs", 1)
    async with store.service() as connection:
        await vector_buffer.release(connection, SPACE, [*pending, theirs], FIRST)
    left = {row["sha256"] for row in await table(store, "document_vector_buffer")}
    assert left == {sha_of("answered"), sha_of("theirs")}


async def test_renewed_reservations_are_not_taken_over(store: Database) -> None:
    """A heartbeat keeps a long request's reservation."""
    jobs = await chunked(store, ("text",))
    await reserve(store, ids(jobs), lease_seconds=-1)
    async with store.service() as connection:
        await vector_buffer.renew(connection, ids(jobs), FIRST, 60)
    assert await reserve(store, ids(jobs), SECOND) == []


async def test_nobody_prolongs_the_reservation_of_another(store: Database) -> None:
    """Another worker's heartbeat does not keep a text from being asked for again."""
    jobs = await chunked(store, ("text",))
    await reserve(store, ids(jobs), lease_seconds=-1)
    async with store.service() as connection:
        await vector_buffer.renew(connection, ids(jobs), SECOND, 60)
    assert len(await reserve(store, ids(jobs), SECOND)) == 1


async def test_an_answer_that_is_being_kept_is_not_reserved(store: Database) -> None:
    """A text is not bought again whose answer is committed while the next worker asks for it."""
    jobs = await chunked(store, ("text",))
    late = await reserve(store, ids(jobs), lease_seconds=-1)
    vectors = np.array([vector(text.sha256) for text in late], dtype=np.float32)
    async with store.service() as connection:
        await vector_buffer.persist(connection, SPACE, late, vectors)
        asking = asyncio.create_task(reserve(store, ids(jobs), SECOND))
        await until_somebody_waits(store, asking)
    assert await asking == []


async def test_an_answer_for_a_deleted_document_leaves_nothing(store: Database) -> None:
    """A document deleted while its request is in flight has no vector afterwards."""
    [job] = await chunked(store, ("secret",))
    pending = await reserve(store, [job.job_id])
    async with store.service() as connection:
        await delete_documents(connection, [job.document_id], Actor("person"))
    assert await persist(store, pending) == 0
    assert await table(store, "document_vector_buffer") == []


async def test_the_gate_is_told_what_is_stored(store: Database) -> None:
    """Presence, dimension and norm are those of the vectors in the database, NaN included."""
    [job] = await chunked(store, ("good", "missing", "zero", "wrong", "nan"))
    values = {
        "good": vector(sha_of("good")),
        "zero": [0.0] * DIMENSION,
        "wrong": vector(sha_of("wrong"), DIMENSION + 1),
        "nan": [math.nan] * DIMENSION,
    }
    pending = {text.sha256: text for text in await reserve(store, [job.job_id])}
    refused = []
    for word, value in values.items():
        try:
            async with store.service() as connection:
                await vector_buffer.persist(
                    connection, SPACE, [pending[sha_of(word)]], np.array([value], dtype=np.float32)
                )
        except sa.exc.DBAPIError:
            refused.append(word)
        except Exception as error:
            assert "NaN" in str(error)
            refused.append(word)
    async with store.service() as connection:
        facts = await vector_facts.facts(connection, [job.job_id], SPACE)
    found = [(fact.present, fact.dimension, fact.norm) for fact in facts]
    assert refused == ["nan"]
    assert found[0][:2] == (True, DIMENSION)
    assert found[0][2] == pytest.approx(1, abs=1e-6)
    assert found[1] == (False, None, None)
    assert found[2] == (True, DIMENSION, 0)
    assert found[3][1] == DIMENSION + 1
    assert found[4] == (False, None, None)


async def test_heartbeats_and_answers_do_not_deadlock(store: Database) -> None:
    """Renewals, answers and releases over the same reservations never wait in a circle."""
    words = tuple(f"passage {number}" for number in range(60))
    jobs = await chunked(store, words)
    pending = await reserve(store, ids(jobs))

    async def renewing() -> None:
        for _ in range(15):
            async with store.service() as connection:
                await vector_buffer.renew(connection, ids(jobs), FIRST, LEASE)

    async def answering(seed: int) -> None:
        texts = random.Random(seed).sample(pending, 40)
        for start in range(0, 40, 10):
            await persist(store, texts[start : start + 10])

    async def releasing(seed: int) -> None:
        texts = random.Random(seed).sample(pending, 40)
        async with store.service() as connection:
            await vector_buffer.release(connection, SPACE, texts, SECOND)

    await asyncio.gather(
        *(renewing() for _ in range(3)),
        *(answering(seed) for seed in range(4)),
        *(releasing(seed) for seed in range(3)),
    )
    await persist(store, pending)
    assert await count_missing(store, ids(jobs)) == 0


async def test_spaces_do_not_share_vectors(store: Database) -> None:
    """A vector of one space never counts for another."""
    jobs = await chunked(store, ("text",))
    await embed(store, ids(jobs))
    other = UUID(int=7)
    async with store.service() as connection:
        assert await vector_buffer.count_missing(connection, ids(jobs), other) == 1
        kept = await connection.scalar(
            sa.text(f"SELECT count(*) FROM {SCHEMA}.document_vector_buffer WHERE space_id = :s"),
            {"s": SPACE},
        )
    assert kept == 1
