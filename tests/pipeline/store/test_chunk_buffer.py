"""Chunks on their way."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.documents import Chunk
from pipeline.identity import chunk_id, sha256_hex
from pipeline.store import chunk_buffer
from pipeline.store.engine import Database
from pipeline.store.lock_order import lock_jobs
from pipeline.text import normalize
from tests.pipeline.store.making import claim, passages, register, sha_of, source, table


async def test_chunks_come_back_as_they_were_stored(store: Database) -> None:
    """The buffer gives every field back, in the order of jobs and ordinals."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    chunks = passages("first", "second", "first")
    async with store.service() as connection:
        await lock_jobs(connection, [job.job_id])
        await chunk_buffer.store(connection, [(job, chunks)])
        back = await chunk_buffer.read(connection, [job.job_id])
    assert [each.text for each in back] == ["first", "second", "first"]
    assert [each.occurrence for each in back] == [0, 0, 1]
    assert [(each.start_offset, each.end_offset) for each in back] == [(0, 5), (7, 13), (15, 20)]
    assert back[0].sha256 == back[2].sha256 == sha_of("first")
    assert back[0].chunk_id != back[2].chunk_id
    assert back[0].chunk_id == chunk_id(job.document_id, job.chunker, sha_of("first"), 0)


async def test_storing_again_replaces_what_an_earlier_attempt_left(store: Database) -> None:
    """A second attempt with fewer chunks leaves none of the first."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    for texts in (("one", "two", "three"), ("four",)):
        async with store.service() as connection:
            await lock_jobs(connection, [job.job_id])
            await chunk_buffer.store(connection, [(job, passages(*texts))])
    assert [row["text"] for row in await table(store, "document_chunk_buffer")] == ["four"]


async def test_the_jobs_that_share_a_text_are_found(store: Database) -> None:
    """A refused text names every job of the batch that holds it, and no other."""
    found = await register(store, [source(f"{number}.md") for number in range(3)])
    jobs = await claim(store, [each.job_id for each in found])
    contents = [passages("same", "a"), passages("b", "same", "same"), passages("c")]
    async with store.service() as connection:
        await lock_jobs(connection, [job.job_id for job in jobs])
        await chunk_buffer.store(connection, list(zip(jobs, contents, strict=True)))
        ids = [job.job_id for job in jobs]
        holding = await chunk_buffer.jobs_with(connection, ids, sha_of("same"))
        assert sorted(holding) == sorted(ids[:2])
        assert await chunk_buffer.jobs_with(connection, ids[2:], sha_of("same")) == []


@given(
    text=st.text(st.characters(), min_size=1),
    context=st.text(st.characters()),
    headings=st.lists(st.text(st.characters(), max_size=20), max_size=3),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_normalized_text_survives_the_binary_copy(
    store: Database, text: str, context: str, headings: list[str]
) -> None:
    """Whatever a file holds, once normalized it is stored and read back equal."""
    clean = normalize(text).text
    path = tuple(normalize(heading).text for heading in headings)
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id], lease_seconds=-1)
    beside = normalize(context).text
    chunk = Chunk(0, 0, clean, 0, len(clean), path, None, None, 1, beside, "limit")
    async with store.service() as connection:
        await lock_jobs(connection, [job.job_id])
        await chunk_buffer.store(connection, [(job, [chunk])])
        [back] = await chunk_buffer.read(connection, [job.job_id])
    assert (back.text, tuple(back.heading_path), back.context) == (clean, path, beside)
    assert back.sha256 == sha256_hex(chunk.embedding_text)
