"""Fencing by the attempt: a claim of before writes nothing, also when its worker holds anew.

The worker is the same in all of these tests, as it is when a process slept past its lease and then
claimed the same job once more: only the attempt tells the two batches apart.
"""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.errors import ServiceUnavailable
from pipeline.states import JobState
from pipeline.store import claims
from pipeline.store.claims import ClaimedJob
from pipeline.store.engine import Database
from pipeline.store.schema import SCHEMA
from tests.pipeline.store.making import (
    FIRST,
    claim,
    job_row,
    publish,
    ready,
    register,
    source,
    step,
    table,
    texts_of,
)


async def claimed_late(store: Database) -> ClaimedJob:
    """A job whose lease has run out already."""
    [registered] = await register(store, [source("a.md")])
    [late] = await claim(store, [registered.job_id], lease_seconds=-1)
    return late


async def claimed_again(store: Database, late: ClaimedJob) -> ClaimedJob:
    """The same job, claimed once more by the same worker."""
    [now] = await claim(store, [late.job_id])
    return now


async def held(store: Database, job: ClaimedJob) -> list[ClaimedJob]:
    """What a stage would find of this claim."""
    async with store.service() as connection:
        return await claims.held(connection, [job.claim], FIRST, list(JobState))


async def give_back(store: Database, job: ClaimedJob) -> None:
    """Release the claim."""
    async with store.service() as connection:
        await claims.release(connection, [job.claim], FIRST)


async def test_a_claim_of_before_moves_nothing(store: Database) -> None:
    """Its step is refused, and that of the newer claim is made."""
    late = await claimed_late(store)
    now = await claimed_again(store, late)
    assert not await step(store, late, JobState.UPLOADED, JobState.PARSE_QUEUED)
    assert await step(store, now, JobState.UPLOADED, JobState.PARSE_QUEUED)


async def test_a_claim_of_before_holds_nothing(store: Database) -> None:
    """A stage of the older batch finds no job, one of the newer batch finds its own."""
    late = await claimed_late(store)
    now = await claimed_again(store, late)
    assert await held(store, late) == []
    assert await held(store, now) == [now]


async def test_what_was_given_back_is_not_held(store: Database) -> None:
    """A batch that ended finds no job, although nobody has claimed it since."""
    late = await claimed_late(store)
    await give_back(store, late)
    assert await held(store, late) == []


async def test_the_trouble_of_a_claim_of_before_is_not_the_jobs(store: Database) -> None:
    """What befalls the older batch neither counts nor makes the job wait."""
    late = await claimed_late(store)
    now = await claimed_again(store, late)
    trouble = ServiceUnavailable("The embedder is away.")
    for job, troubles in ((late, 0), (now, 1)):
        async with store.service() as connection:
            await claims.note_trouble(connection, [job.claim], FIRST, trouble)
        row = await job_row(store, late.job_id)
        assert (row["troubles"], row["not_before"] is not None) == (troubles, troubles > 0)


async def test_a_claim_of_before_publishes_nothing(store: Database) -> None:
    """Readers see nothing of the older batch's publication; that of the newer one is whole."""
    late = await claimed_late(store)
    await ready(store, late, "one", "two")
    now = await claimed_again(store, late)
    assert (await publish(store, late)).complete == frozenset()
    assert await table(store, "document_chunks") == []
    assert [row["published_job_id"] for row in await table(store, "documents")] == [None]
    assert (await publish(store, now)).complete == {now.job_id}
    assert await texts_of(store, now.document_id) == ["one", "two"]


async def test_what_was_given_back_is_not_published(store: Database) -> None:
    """A batch that ended publishes nothing more, although nobody has claimed the job since."""
    late = await claimed_late(store)
    await ready(store, late, "one")
    await give_back(store, late)
    assert (await publish(store, late)).complete == frozenset()
    assert await table(store, "document_chunks") == []


async def test_a_version_that_is_not_the_newest_is_not_published(store: Database) -> None:
    """However far it has come: what its document does not name as its newest stays unseen."""
    late = await claimed_late(store)
    await ready(store, late, "one")
    forget = sa.text(f"UPDATE {SCHEMA}.documents SET latest_job_id = gen_random_uuid()")
    async with store.service() as connection:
        await connection.execute(forget)
    assert (await publish(store, late)).complete == frozenset()
    assert await table(store, "document_chunks") == []


async def test_a_document_that_is_marked_as_deleted_is_not_published(store: Database) -> None:
    """Held and embedded as its job may be: nothing of a deleted document is seen again."""
    late = await claimed_late(store)
    await ready(store, late, "one")
    mark = sa.text(f"UPDATE {SCHEMA}.documents SET deleted_at = now()")
    async with store.service() as connection:
        await connection.execute(mark)
    assert (await publish(store, late)).complete == frozenset()
    assert await table(store, "document_chunks") == []
