"""Deleting: what was made of a document goes, what others need stays, the audit stays."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from pipeline.states import JobState
from pipeline.store import deletion, parsed_files
from pipeline.store.claims import ClaimedJob
from pipeline.store.deletion import Deleted
from pipeline.store.engine import Database
from pipeline.store.parsed_files import FinishedParse
from pipeline.store.transitions import Actor
from tests.pipeline.store.making import (
    BEN,
    claim,
    job_row,
    publish,
    published,
    ready,
    register,
    source,
    step,
    table,
    texts_of,
)

PERSON = Actor("person")


async def delete(database: Database, *documents: UUID) -> Deleted:
    """Delete in a transaction of its own."""
    async with database.service() as connection:
        return await deletion.delete_documents(connection, documents, PERSON)


async def given_up(database: Database) -> set[str]:
    """The hashes whose bytes and texts no document has any more."""
    return {row["stem"] for row in await table(database, "unsettled_objects")}


async def parsed(database: Database, job: ClaimedJob) -> None:
    """Record that the job's bytes were parsed."""
    key = f"parsed/{job.user_id}/{job.file_sha256}"
    done = FinishedParse(job.user_id, job.file_sha256, job.parser, key, 1, 10)
    async with database.service() as connection:
        await parsed_files.finish(connection, [done])


async def test_everything_made_of_a_document_is_gone(store: Database) -> None:
    """Chunks, vectors and parsed texts go, the stored objects are given up, the row is marked."""
    job = await published(store, "a.md", "one", "two")
    await parsed(store, job)
    done = await delete(store, job.document_id)
    assert done.documents == {job.document_id}
    assert done.chunks == 2
    assert await given_up(store) == {job.file_sha256}
    for name in ("document_chunks", "chunk_vectors", "document_chunk_buffer", "parsed_files"):
        assert await table(store, name) == [], name
    [document] = await table(store, "documents")
    assert document["deleted_at"] is not None
    assert document["published_job_id"] is None
    assert (await job_row(store, job.job_id))["state"] == JobState.DELETED


async def test_the_audit_stays(store: Database) -> None:
    """Every event from before is still there, and the deletion is one more, by whom it was."""
    job = await published(store, "a.md", "one")
    before = await table(store, "job_events")
    await delete(store, job.document_id)
    after = await table(store, "job_events")
    assert after[: len(before)] == before
    [event] = after[len(before) :]
    assert (event["from_state"], event["to_state"]) == ("complete", "deleted")
    assert event["actor"] == "person"


@pytest.mark.parametrize("embedded", [False, True], ids=["just claimed", "about to publish"])
async def test_a_running_job_is_fenced(store: Database, embedded: bool) -> None:
    """The worker of a deleted document can neither move nor publish its job; buffers are empty."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    if embedded:
        await ready(store, job, "one", "two")
    await delete(store, job.document_id)
    assert not await step(store, job, JobState.UPLOADED, JobState.PARSE_QUEUED)
    assert (await publish(store, job)).complete == frozenset()
    assert await claim(store, [job.job_id]) == []
    for name in ("document_chunks", "document_chunk_buffer", "document_vector_buffer"):
        assert await table(store, name) == [], name


async def test_bytes_that_another_document_shares_are_kept(store: Database) -> None:
    """Stored bytes and parsed text go with the last document that has them, not before."""
    [first] = await register(store, [source("a.md", "same")])
    [second] = await register(store, [source("b.md", "same")])
    [job] = await claim(store, [first.job_id])
    await parsed(store, job)
    await delete(store, first.document_id)
    assert await given_up(store) == set()
    assert len(await table(store, "parsed_files")) == 1
    await delete(store, second.document_id)
    assert await given_up(store) == {job.file_sha256}
    assert await table(store, "parsed_files") == []


async def test_documents_that_share_bytes_are_deleted_together(store: Database) -> None:
    """Deleting both at once gives their object up once."""
    found = await register(store, [source("a.md", "same"), source("b.md", "same")])
    await delete(store, *(each.document_id for each in found))
    [row] = await table(store, "unsettled_objects")
    assert row["stem"] == source("a.md", "same").file_sha256


async def test_documents_that_share_bytes_are_deleted_at_once_by_two(store: Database) -> None:
    """Each sees the other's job living, unless one waits for the other: the last gives them up."""
    first, second = await register(store, [source("a.md", "same"), source("b.md", "same")])
    async with store.service() as connection:
        await deletion.delete_documents(connection, [first.document_id], PERSON)
        other = asyncio.create_task(delete(store, second.document_id))
        await asyncio.wait([other], timeout=0.3)
    assert (await other).documents == {second.document_id}
    assert await given_up(store) == {source("a.md", "same").file_sha256}


async def test_a_vector_that_another_job_waits_for_is_kept(store: Database) -> None:
    """A buffered vector stays for the other document's job, which then pays nothing."""
    found = await register(store, [source("a.md"), source("b.md")])
    first, second = await claim(store, [each.job_id for each in found])
    await ready(store, first, "shared", "mine")
    await ready(store, second, "shared")
    await delete(store, first.document_id)
    assert len(await table(store, "document_vector_buffer")) == 1
    assert (await publish(store, second)).complete == {second.job_id}
    assert await texts_of(store, second.document_id) == ["shared"]


async def test_every_version_of_a_document_goes(store: Database) -> None:
    """The objects of superseded versions are given up too."""
    first = await published(store, "a.md", "old")
    second = await published(store, "a.md", "new")
    await delete(store, first.document_id)
    assert await given_up(store) == {first.file_sha256, second.file_sha256}
    assert {row["state"] for row in await table(store, "upload_jobs")} == {"deleted"}


async def test_unknown_and_deleted_ids_are_passed_over(store: Database) -> None:
    """Deleting twice, or what never was, changes nothing and writes no event."""
    job = await published(store, "a.md", "one")
    await delete(store, job.document_id)
    events, unsettled = await table(store, "job_events"), await table(store, "unsettled_objects")
    again = await delete(store, job.document_id, uuid4())
    assert (again.documents, again.chunks) == (frozenset(), 0)
    assert await table(store, "job_events") == events
    assert await table(store, "unsettled_objects") == unsettled


async def test_other_documents_are_untouched(store: Database) -> None:
    """What other documents and users hold stays as it was."""
    mine = await published(store, "a.md", "same words")
    others = await published(store, "b.md", "same words")
    theirs = await published(store, "a.md", "same words", user=BEN)
    await delete(store, mine.document_id)
    assert await texts_of(store, others.document_id) == ["same words"]
    assert await texts_of(store, theirs.document_id, BEN) == ["same words"]
    assert len(await table(store, "chunk_vectors")) == 2
