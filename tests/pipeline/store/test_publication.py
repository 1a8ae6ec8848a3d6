"""Publishing: readers go from one version to the next, and only what changed is written."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from pipeline.errors import DatabaseUnavailable, ServiceUnavailable
from pipeline.states import JobState
from pipeline.store import chunk_buffer
from pipeline.store.deletion import delete_documents
from pipeline.store.engine import Database, rows
from pipeline.store.lock_order import lock_jobs
from pipeline.store.registration import PipelineVersion
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor
from tests.pipeline.store.making import (
    ANNA,
    DIMENSION,
    FIRST,
    SECOND,
    SPACE,
    TO_VALIDATED,
    VERSION,
    claim,
    embed,
    job_row,
    open_space,
    passages,
    publish,
    published,
    ready,
    register,
    sha_of,
    source,
    step,
    store_chunks,
    table,
    texts_of,
)

_ROWS = sa.text(
    f"""
    SELECT c.text, c.id, c.ordinal, c.xmin::text AS chunk_xmin, v.xmin::text AS vector_xmin,
           c.published_at
    FROM {SCHEMA}.document_chunks AS c JOIN {SCHEMA}.chunk_vectors AS v ON v.chunk_id = c.id
    ORDER BY c.ordinal
    """
)


async def stored(database: Database) -> dict[str, sa.RowMapping]:
    """The published rows by text, with the transactions that wrote chunk and vector."""
    async with database.service() as connection:
        return {row["text"]: row for row in await rows(connection, _ROWS)}


async def test_publishing_makes_chunks_vectors_and_a_complete_job(store: Database) -> None:
    """After a publish the document is readable, the job complete and the buffers empty."""
    job = await published(store, "a.md", "one", "two", "one")
    assert await texts_of(store, job.document_id) == ["one", "two", "one"]
    chunks = await table(store, "document_chunks")
    assert {row["user_id"] for row in chunks} == {ANNA}
    assert [row["occurrence"] for row in sorted(chunks, key=lambda row: row["ordinal"])] == [
        0,
        0,
        1,
    ]
    assert len(await table(store, "chunk_vectors")) == 3
    assert await table(store, "document_chunk_buffer") == []
    assert await table(store, "document_vector_buffer") == []
    [document] = await table(store, "documents")
    assert document["published_job_id"] == job.job_id
    row = await job_row(store, job.job_id)
    assert (row["state"], row["claimed_by"]) == (JobState.COMPLETE, None)
    assert "publish" in row["stage_seconds"]


async def test_only_what_changed_is_written(store: Database) -> None:
    """Unchanged chunks keep id, row and vector; vanished ones go; new ones come."""
    await published(store, "a.md", "kept", "edited", "also kept")
    before = await stored(store)
    [found] = await register(store, [source("a.md", "second")])
    [job] = await claim(store, [found.job_id])
    await ready(store, job, "kept", "rewritten", "also kept")
    done = await publish(store, job)
    assert (done.inserted, done.deleted) == (1, 1)
    after = await stored(store)
    assert list(after) == ["kept", "rewritten", "also kept"]
    assert after["kept"] == before["kept"]
    assert after["also kept"]["id"] == before["also kept"]["id"]
    assert after["also kept"]["vector_xmin"] == before["also kept"]["vector_xmin"]
    assert after["rewritten"]["vector_xmin"] != before["edited"]["vector_xmin"]


async def test_moved_chunks_change_their_place_and_not_their_vectors(store: Database) -> None:
    """A paragraph put in front moves the ordinals of the others; the vector index is untouched."""
    await published(store, "a.md", "one", "two", "three")
    before = await stored(store)
    job = await published(store, "a.md", "zero", "three", "two", "one")
    after = await stored(store)
    assert await texts_of(store, job.document_id) == ["zero", "three", "two", "one"]
    assert [row["ordinal"] for row in after.values()] == [0, 1, 2, 3]
    for text in ("one", "two", "three"):
        assert after[text]["id"] == before[text]["id"]
        assert after[text]["vector_xmin"] == before[text]["vector_xmin"]
        assert after[text]["published_at"] == before[text]["published_at"]


async def test_context_and_role_are_published_with_a_chunk(store: Database) -> None:
    """A new version in which only the role or the spelling changed updates the rows, no vector."""
    [first] = passages("| D1032 | $42 |")
    beside = "Columns: Code | Copay"
    kinds = [
        replace(first, context=beside, role="limit"),
        replace(first, context=beside, role="schedule"),
        replace(first, context="Columns: Code\u00a0| Copay", role="schedule"),
        replace(first, context=beside, role="schedule", text="| D1032\u00a0| $42\u00a0|"),
    ]
    vectors = set()
    for version, chunk in enumerate(kinds):
        [found] = await register(store, [source("a.md", f"version {version}")])
        [job] = await claim(store, [found.job_id])
        for start, target in TO_VALIDATED:
            assert await step(store, job, start, target)
        assert await store_chunks(store, job, [chunk])
        await embed(store, [job.job_id])
        assert await step(store, job, JobState.CHUNKS_STORED, JobState.EMBEDDINGS_STORED)
        await publish(store, job)
        [row] = await table(store, "document_chunks")
        assert (row["text"], row["context"], row["role"]) == (chunk.text, chunk.context, chunk.role)
        vectors.add((await stored(store))[chunk.text]["vector_xmin"])
    assert len(vectors) == 1


async def test_the_old_version_is_superseded_in_the_same_transaction(store: Database) -> None:
    """There is at most one complete job for a document, and the event says which one went."""
    first = await published(store, "a.md", "old")
    second = await published(store, "a.md", "new")
    jobs = {row["id"]: row["state"] for row in await table(store, "upload_jobs")}
    assert jobs == {first.job_id: "superseded", second.job_id: "complete"}
    [event] = [row for row in await table(store, "job_events") if row["to_state"] == "superseded"]
    assert (event["job_id"], event["from_state"]) == (first.job_id, "complete")


async def test_what_a_superseded_version_paid_for_is_not_left_behind(store: Database) -> None:
    """Vectors of a version that was never published go when the next one is published."""
    [old] = await register(store, [source("a.md", "old")])
    [job] = await claim(store, [old.job_id])
    await ready(store, job, "shared", "never published")
    await published(store, "a.md", "shared", "newer")
    assert await table(store, "document_vector_buffer") == []


async def test_a_document_that_lost_a_lent_vector_is_sent_back(store: Database) -> None:
    """When the lender is deleted before the publish, the job embeds that text again."""
    lender = await published(store, "lender.md", "lent")
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    await ready(store, job, "lent", "own")
    [other] = await claim(store, [(await register(store, [source("b.md")]))[0].job_id])
    await ready(store, other, "fine")
    async with store.service() as connection:
        await delete_documents(connection, [lender.document_id], Actor("person"))

    done = await publish(store, job, other)
    assert done.sent_back == {job.job_id}
    assert done.complete == {other.job_id}
    assert (await job_row(store, job.job_id))["state"] == JobState.CHUNKS_STORED
    assert await texts_of(store, job.document_id) == []

    assert await embed(store, [job.job_id]) == 1
    assert await step(store, job, JobState.CHUNKS_STORED, JobState.EMBEDDINGS_STORED)
    assert (await publish(store, job)).complete == {job.job_id}
    assert await texts_of(store, job.document_id) == ["lent", "own"]


async def test_a_lender_deleted_at_any_moment_never_leaves_a_chunk_without_vector(
    store: Database,
) -> None:
    """Publishing and deleting the lender at once: each chunk that is published has its vector."""
    words = [f"shared {number}" for number in range(40)]
    for attempt in range(6):
        lender = await published(store, f"lender-{attempt}.md", *words)
        [found] = await register(store, [source(f"{attempt}.md")])
        [job] = await claim(store, [found.job_id])
        await ready(store, job, *words)

        async def delete(document: UUID = lender.document_id) -> None:
            async with store.service() as connection:
                await delete_documents(connection, [document], Actor("person"))

        await asyncio.gather(publish(store, job), delete())
        chunks = {row["id"] for row in await table(store, "document_chunks")}
        assert chunks == {row["chunk_id"] for row in await table(store, "chunk_vectors")}
        async with store.service() as connection:
            await delete_documents(connection, [job.document_id], Actor("person"))


@pytest.mark.parametrize(
    "reason", ["superseded", "deleted", "fenced", "earlier state", "held by another"]
)
async def test_jobs_that_are_not_ours_to_publish_are_left_alone(
    store: Database, reason: str
) -> None:
    """A superseded, deleted, lost or unfinished job changes nothing that readers see."""
    old = await published(store, "a.md", "old")
    [found] = await register(store, [source("a.md", "new")])
    [job] = await claim(store, [found.job_id], lease_seconds=-1)
    if reason != "earlier state":
        await ready(store, job, "new")
    worker = SECOND if reason == "held by another" else FIRST
    if reason == "superseded":
        await register(store, [source("a.md", "newest")])
    elif reason == "deleted":
        async with store.service() as connection:
            await delete_documents(connection, [job.document_id], Actor("person"))
    elif reason == "fenced":
        await claim(store, [job.job_id], SECOND)
    done = await publish(store, job, worker=worker)
    assert (done.complete, done.sent_back, done.inserted) == (frozenset(), frozenset(), 0)
    assert await texts_of(store, old.document_id) == ([] if reason == "deleted" else ["old"])


async def test_a_vector_of_the_wrong_dimension_is_refused_by_its_space(store: Database) -> None:
    """The partition's own check undoes the publish, whatever let the vector through before."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    await ready(store, job, "text", dimension=DIMENSION + 1)
    with pytest.raises(sa.exc.IntegrityError, match="violates check constraint"):
        await publish(store, job)
    assert await table(store, "document_chunks") == []
    assert (await job_row(store, job.job_id))["state"] == JobState.EMBEDDINGS_STORED


async def test_a_reservation_is_no_vector(store: Database) -> None:
    """A job one of whose texts is still being embedded is sent back, and nothing is published."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    await ready(store, job, "one", "two")
    waiting = sa.text(
        f"UPDATE {SCHEMA}.document_vector_buffer SET embedding = NULL WHERE sha256 = :sha"
    )
    async with store.service() as connection:
        await connection.execute(waiting, {"sha": sha_of("two")})
    done = await publish(store, job)
    assert not done.complete
    assert done.sent_back == {job.job_id}
    assert await table(store, "document_chunks") == []


async def test_a_vector_that_goes_while_it_is_published_undoes_it_all(store: Database) -> None:
    """Gone between the look at it and its use: nothing is published, the job can be tried again."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    await ready(store, job, "one", "two")
    async with going_vectors(store):
        with pytest.raises(ServiceUnavailable, match="in the moment of its publication"):
            await publish(store, job)
    assert await table(store, "document_chunks") == []
    assert (await job_row(store, job.job_id))["state"] == JobState.EMBEDDINGS_STORED
    assert (await publish(store, job)).complete == {job.job_id}


@asynccontextmanager
async def going_vectors(store: Database) -> AsyncIterator[None]:
    """While this lasts, a vector on its way vanishes whenever chunks are written."""
    async with store.owner() as connection:
        for statement in (
            f"CREATE FUNCTION {SCHEMA}.take_one() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN DELETE FROM {SCHEMA}.document_vector_buffer WHERE sha256 = "
            f"(SELECT min(sha256) FROM {SCHEMA}.document_vector_buffer); RETURN NULL; END $$",
            f"CREATE TRIGGER take_one AFTER INSERT ON {SCHEMA}.document_chunks "
            f"EXECUTE FUNCTION {SCHEMA}.take_one()",
        ):
            await connection.execute(sa.text(statement))
    try:
        yield
    finally:
        async with store.owner() as connection:
            await connection.execute(sa.text(f"DROP FUNCTION {SCHEMA}.take_one() CASCADE"))


async def test_a_vector_that_another_job_waits_for_stays(store: Database) -> None:
    """Publishing clears what is no longer needed, not a vector that another document needs."""
    [found, other] = await register(store, [source("a.md"), source("b.md")])
    job, waiting = await claim(store, [found.job_id, other.job_id])
    for start, target in TO_VALIDATED:
        assert await step(store, waiting, start, target)
    assert await store_chunks(store, waiting, passages("shared", "own"))
    await ready(store, job, "shared", "mine")
    await publish(store, job)
    assert {row["sha256"] for row in await table(store, "document_vector_buffer")} == {
        sha_of("shared")
    }


async def test_another_space_gets_its_own_vectors_for_the_same_chunks(store: Database) -> None:
    """A changed model keeps the chunks' rows and adds vectors; the spaces are never mixed."""
    old = await published(store, "a.md", "one", "two")
    before = await stored(store)
    newer = PipelineVersion(VERSION.parser, VERSION.chunker, uuid4())
    await open_space(store, newer)
    await published(store, "a.md", "one", "two", version=newer)
    vectors = await table(store, "chunk_vectors", "space_id, chunk_id")
    ids = {row["id"] for row in before.values()}
    for space in (SPACE, newer.space_id):
        assert {row["chunk_id"] for row in vectors if row["space_id"] == space} == ids
    assert await texts_of(store, old.document_id) == ["one", "two"]


async def test_a_reader_never_sees_half_a_document(store: Database) -> None:
    """While versions are published over and over, each read is one whole version."""
    length = 12
    await published(store, "a.md", *(f"v0 {number}" for number in range(length)))
    finished = False
    reads: set[str] = set()

    async def reading() -> None:
        query = sa.text(
            f"SELECT c.text, v.sha256 FROM {SCHEMA}.document_chunks AS c"
            f" JOIN {SCHEMA}.chunk_vectors AS v ON v.chunk_id = c.id ORDER BY c.ordinal"
        )
        while not finished:
            async with store.reader(ANNA) as connection:
                seen = await rows(connection, query)
            versions = {row["text"].split()[0] for row in seen if row["text"] != "constant"}
            assert len(versions) == 1, versions
            assert len(seen) == length + (versions != {"v0"})
            assert all(row["sha256"] == sha_of(row["text"]) for row in seen)
            reads.update(versions)

    readers = [asyncio.create_task(reading()) for _ in range(3)]
    for version in range(1, 16):
        texts = [f"v{version} {number}" for number in range(length)]
        await published(store, "a.md", "constant", *texts)
    finished = True
    await asyncio.gather(*readers)
    assert len(reads) > 3


async def test_publishers_of_overlapping_documents_do_not_deadlock(store: Database) -> None:
    """Two workers publish the same documents in opposite orders, with shared texts, ten times."""
    files = [f"{number}.md" for number in range(12)]
    for turn in range(5):
        found = await register(store, [source(name, f"{turn}") for name in files])
        jobs = await claim(store, [each.job_id for each in found])
        for number, job in enumerate(jobs):
            await ready(store, job, f"own {number} {turn}", "shared", f"turn {turn}")
        orders = [jobs, jobs[::-1], random.Random(turn).sample(jobs, len(jobs))]
        done = await asyncio.gather(*(publish(store, *order) for order in orders))
        assert sorted(job for each in done for job in each.complete) == sorted(
            job.job_id for job in jobs
        )
    for row in await table(store, "documents"):
        assert await texts_of(store, row["id"]) == [
            f"own {files.index(row['name'])} 4",
            "shared",
            "turn 4",
        ]


async def test_a_connection_lost_within_copy_is_a_transient_error(store: Database) -> None:
    """Postgres going away in the middle of a bulk write is said as our own transient error."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    with pytest.raises(DatabaseUnavailable):
        async with store.service() as connection:
            await lock_jobs(connection, [job.job_id])
            await chunk_buffer.store(connection, [(job, passages("one"))])
            pid = await connection.scalar(sa.text("SELECT pg_backend_pid()"))
            async with store.owner() as other:
                await other.execute(
                    sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid}
                )
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            async with driver.cursor() as cursor, cursor.copy("COPY x FROM STDIN"):
                pass
    assert await table(store, "document_chunk_buffer") == []
