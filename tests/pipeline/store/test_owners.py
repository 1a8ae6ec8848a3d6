"""Whose a vector is: found by its own user, moved to who counts on it, shared only on request."""

from __future__ import annotations

import asyncio
from uuid import UUID

import numpy as np
import sqlalchemy as sa

from pipeline.states import JobState
from pipeline.store import known_vectors, publication, vector_buffer, vector_facts
from pipeline.store.claims import ClaimedJob
from pipeline.store.deletion import delete_documents
from pipeline.store.engine import Database
from pipeline.store.migrating import migrate
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor
from pipeline.store.vector_owners import SHARED_OWNER, owning
from tests.pipeline.store.making import (
    ANNA,
    BEN,
    FIRST,
    LEASE,
    SPACE,
    TO_VALIDATED,
    claim,
    embed,
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
    vector,
)
from tests.pipeline.store.test_schema import downgrade


async def waiting(
    database: Database, name: str, *texts: str, user: UUID = ANNA, worker: str = FIRST
) -> ClaimedJob:
    """A user's job at `chunks_stored` with these passages."""
    [found] = await register(database, [source(name, f"{user}{texts}")], user)
    [job] = await claim(database, [found.job_id], worker)
    for start, target in TO_VALIDATED:
        assert await step(database, job, start, target, worker)
    assert await store_chunks(database, job, passages(*texts), worker)
    return job


async def test_a_published_vector_serves_its_user_alone(store: Database) -> None:
    """Neither the embedder nor the gate sees one of another user; the same user's is found."""
    await published(store, "a.md", "same words", user=BEN)
    mine = await waiting(store, "b.md", "same words")
    theirs = await waiting(store, "c.md", "same words", user=BEN)
    async with store.service() as connection:
        for job, missing in ((mine, 1), (theirs, 0)):
            ids = [job.job_id]
            assert await vector_buffer.count_missing(connection, ids, SPACE) == missing
            [fact] = await vector_facts.facts(connection, ids, SPACE)
            assert fact.present is (missing == 0)
            assert await vector_buffer.count_missing(connection, ids, SPACE, shared=True) == 0
            [fact] = await vector_facts.facts(connection, ids, SPACE, shared=True)
            assert fact.present
        for user, known in ((ANNA, set()), (BEN, {sha_of("same words")})):
            asked = [sha_of("same words")]
            assert await known_vectors.known_hashes(connection, asked, SPACE, user) == known


async def test_the_same_text_on_its_way_is_reserved_for_each_user(store: Database) -> None:
    """Two users of one batch, one worker: two reservations, two answers, and each is released."""
    mine = await waiting(store, "a.md", "same words", "mine")
    theirs = await waiting(store, "b.md", "same words", "theirs", user=BEN)
    ids = [mine.job_id, theirs.job_id]
    async with store.service() as connection:
        pending = (await vector_buffer.reserve(connection, ids, SPACE, FIRST, LEASE)).texts
        assert sorted((t.sha256, t.user_id) for t in pending) == sorted(
            [(sha_of(text), user) for text, user in
             (("same words", ANNA), ("mine", ANNA), ("same words", BEN), ("theirs", BEN))]
        )  # fmt: skip
        own = [text for text in pending if text.user_id == ANNA]
        await vector_buffer.release(connection, SPACE, own, FIRST)
    left = await table(store, "document_vector_buffer", "user_id, sha256")
    assert {row["user_id"] for row in left} == {BEN}
    assert await embed(store, ids) == 2
    assert len(await table(store, "document_vector_buffer")) == 4


async def test_publishing_takes_and_clears_ones_own_vectors(store: Database) -> None:
    """Another user's vector on its way is neither taken nor removed."""
    [mine] = await claim(store, [(await register(store, [source("a.md")]))[0].job_id])
    await ready(store, mine, "same words")
    theirs = await waiting(store, "b.md", "same words", user=BEN)
    assert await embed(store, [theirs.job_id]) == 1
    assert (await publish(store, mine)).complete == {mine.job_id}
    [left] = await table(store, "document_vector_buffer")
    assert left["user_id"] == BEN
    async with store.service() as connection:
        await delete_documents(connection, [mine.document_id], Actor("person"))
    assert len(await table(store, "document_vector_buffer")) == 1
    assert await step(store, theirs, JobState.CHUNKS_STORED, JobState.EMBEDDINGS_STORED)
    assert (await publish(store, theirs)).complete == {theirs.job_id}
    assert await table(store, "document_vector_buffer") == []
    assert await texts_of(store, theirs.document_id, BEN) == ["same words"]


async def test_a_job_without_a_vector_of_its_own_is_sent_back(store: Database) -> None:
    """That another user has published the text does not publish it for this one."""
    await published(store, "a.md", "same words", user=BEN)
    mine = await waiting(store, "b.md", "same words")
    assert await step(store, mine, JobState.CHUNKS_STORED, JobState.EMBEDDINGS_STORED)
    done = await publish(store, mine)
    assert not done.complete
    assert done.sent_back == {mine.job_id}


async def test_shared_vectors_are_bought_once_and_leave_nothing(store: Database) -> None:
    """Where an operator shares them, one reservation serves all, and the last one clears it."""
    jobs = [await waiting(store, f"{user}.md", "same words", user=user) for user in (ANNA, BEN)]
    ids = [job.job_id for job in jobs]
    async with store.service() as connection:
        found = await vector_buffer.reserve(connection, ids, SPACE, FIRST, LEASE, shared=True)
        pending = found.texts
        assert [text.owner_id for text in pending] == [SHARED_OWNER]
        await vector_buffer.persist(
            connection, SPACE, pending, np.array([vector(pending[0].sha256)], dtype=np.float32)
        )
    for left, job in zip((1, 0), jobs, strict=True):
        assert await step(store, job, JobState.CHUNKS_STORED, JobState.EMBEDDINGS_STORED)
        async with store.service() as connection:
            done = await publication.publish(
                connection, [job.claim], SPACE, Actor(FIRST), shared=True
            )
        assert done.complete == {job.job_id}
        assert len(await table(store, "document_vector_buffer")) == left


async def test_who_counts_on_a_vector_keeps_it_through_the_migration(database_url: str) -> None:
    """A user whose job was told to have all its vectors gets copies; others wait for their own."""
    database = Database(database_url)
    await open_space(database)
    await published(database, "lender.md", "published words", user=BEN)
    buying = await waiting(database, "buying.md", "bought words", user=BEN)
    told = await waiting(database, "told.md", "published words", "bought words")
    await waiting(database, "not-yet.md", "published words", "bought words", user=UUID(int=5))
    assert await step(database, told, JobState.CHUNKS_STORED, JobState.EMBEDDINGS_STORED)
    await asyncio.to_thread(downgrade, database_url, "0005")
    async with database.service() as connection:
        await connection.execute(
            sa.text(
                f"INSERT INTO {SCHEMA}.document_vector_buffer"
                " (space_id, sha256, user_id, job_id, embedding)"
                " VALUES (:space, :sha, :user, :job, '[1, 0, 0, 0]')"
            ),
            {"space": SPACE, "sha": sha_of("bought words"), "user": BEN, "job": buying.job_id},
        )
    await asyncio.to_thread(migrate, database_url)
    found = await table(database, "document_vector_buffer", "user_id, sha256")
    assert {(row["user_id"], row["sha256"]) for row in found} == {
        (BEN, sha_of("bought words")),
        (ANNA, sha_of("bought words")),
        (ANNA, sha_of("published words")),
    }
    assert (await publish(database, told)).complete == {told.job_id}
    await embed(database, [buying.job_id])
    await asyncio.to_thread(downgrade, database_url, "0005")
    await asyncio.to_thread(migrate, database_url)
    await database.close()


async def test_reserving_compares_no_text_with_all_others(store: Database) -> None:
    """Without statistics the planner takes sets for single rows; nothing is joined by loops."""
    job = await waiting(store, "a.md", *(f"passage {number}" for number in range(120)))
    values = {"jobs": [job.job_id], "space": SPACE, "worker": FIRST, "lease": LEASE, "dead": []}
    asked = sa.text(f"EXPLAIN ANALYZE {vector_buffer.BUFFERED.reserve}")
    async with store.service() as connection:
        told = (await connection.execute(asked, values | owning(shared=False))).scalars().all()
    assert "Insert on document_vector_buffer" in " ".join(told)
    assert not [line for line in told if "Rows Removed by Join Filter" in line]
