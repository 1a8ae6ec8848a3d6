"""Registration: what the same, the new and the returning bytes of a source mean."""

from __future__ import annotations

import asyncio
import random

import sqlalchemy as sa

from pipeline.states import JobState
from pipeline.store import registration
from pipeline.store.deletion import delete_documents
from pipeline.store.engine import Database
from pipeline.store.registration import Outcome, PipelineVersion, Source, identify
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor, Move, move
from tests.pipeline.store.making import (
    ANNA,
    BEN,
    FIRST,
    SPACE,
    VERSION,
    claim,
    job_row,
    new_run,
    passages,
    publish,
    published,
    ready,
    register,
    source,
    step,
    store_chunks,
    table,
    texts_of,
)
from tests.pipeline.store.waiting import until_somebody_waits


async def outcome(database: Database, each: Source, **options: object) -> Outcome:
    """What registering one source came to."""
    return (await register(database, [each], **options))[0].outcome  # type: ignore[arg-type]


async def test_a_new_source_is_a_document_with_one_waiting_job(store: Database) -> None:
    """The first registration makes the document, version 1, its job, its event, its run's row."""
    [found] = await register(store, [source("a.md", "hello")], tags=["motor"])
    assert found.outcome == Outcome.NEW
    [document] = await table(store, "documents")
    assert (document["id"], document["latest_job_id"]) == (found.document_id, found.job_id)
    assert (document["versions"], document["tags"]) == (1, ["motor"])
    job = await job_row(store, found.job_id)
    assert (job["state"], job["version"], job["attempt"]) == ("uploaded", 1, 0)
    [event] = await table(store, "job_events")
    assert (event["event"], event["to_state"]) == ("registered", "uploaded")
    assert event["correlation_id"] == job["correlation_id"]
    [joined] = await table(store, "run_jobs")
    assert (joined["job_id"], joined["outcome"]) == (found.job_id, "new")


async def test_ids_are_the_same_wherever_they_are_computed(store: Database) -> None:
    """Looking up writes nothing and names the ids that registering then uses."""
    files = [source("a.md"), source("b.md")]
    async with store.reader(ANNA) as connection:
        seen = await registration.look_up(connection, ANNA, files, VERSION)
    assert await table(store, "documents") == []
    assert await register(store, files) == seen
    assert [(each.document_id, each.job_id) for each in seen] == [
        identify(ANNA, file, VERSION) for file in files
    ]


async def test_the_same_bytes_again_are_one_job(store: Database) -> None:
    """Before it ends the job waits, after it is published the source is unchanged."""
    assert await outcome(store, source("a.md", "one")) == Outcome.NEW
    assert await outcome(store, source("a.md", "one")) == Outcome.WAITING
    job = await published(store, "a.md", "one")
    events = await table(store, "job_events")
    for _ in range(3):
        assert await outcome(store, source("a.md", "one")) == Outcome.UNCHANGED
    assert len(await table(store, "upload_jobs")) == 1
    assert await table(store, "job_events") == events
    assert (await job_row(store, job.job_id))["attempt"] == job.attempt


async def test_bytes_that_failed_are_not_tried_again_by_themselves(store: Database) -> None:
    """The same bytes after a failure stay failed until a person retries them."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    assert await step(store, job, JobState.UPLOADED, JobState.FAILED_PARSE)
    assert await outcome(store, source("a.md")) == Outcome.FAILED_BEFORE
    assert (await job_row(store, found.job_id))["state"] == JobState.FAILED_PARSE


async def test_a_newer_version_supersedes_what_was_not_published(store: Database) -> None:
    """The older job ends at once, its buffer is emptied and its worker is fenced out."""
    [old] = await register(store, [source("a.md", "old")])
    [job] = await claim(store, [old.job_id])
    await ready(store, job, "old")
    [new] = await register(store, [source("a.md", "new")])
    assert (new.outcome, new.document_id) == (Outcome.CHANGED, old.document_id)
    row = await job_row(store, old.job_id)
    assert (row["state"], row["claimed_by"], row["attempt"]) == ("superseded", None, 2)
    assert await table(store, "document_chunk_buffer") == []
    assert (await publish(store, job)).complete == frozenset()
    assert (await job_row(store, new.job_id))["version"] == 2


async def test_a_published_version_stays_until_the_newer_one_is_published(store: Database) -> None:
    """Readers see the old version while the new one is on its way, also when that one fails."""
    old = await published(store, "a.md", "old")
    [new] = await register(store, [source("a.md", "new")])
    assert await texts_of(store, old.document_id) == ["old"]
    [job] = await claim(store, [new.job_id])
    assert await step(store, job, JobState.UPLOADED, JobState.FAILED_PARSE)
    assert await texts_of(store, old.document_id) == ["old"]
    assert (await job_row(store, old.job_id))["state"] == JobState.COMPLETE


async def test_a_version_comes_back(store: Database) -> None:
    """A, then B, then A again: the first job is taken up anew and published in B's place."""
    first = await published(store, "a.md", "shared", "A")
    second = await published(store, "a.md", "shared", "B")
    assert (await job_row(store, first.job_id))["state"] == JobState.SUPERSEDED
    again = await published(store, "a.md", "shared", "A")
    assert again.job_id == first.job_id
    assert again.attempt > first.attempt
    assert await texts_of(store, first.document_id) == ["shared", "A"]
    assert (await job_row(store, second.job_id))["state"] == JobState.SUPERSEDED
    events = [row["event"] for row in await table(store, "job_events") if row["event"] != "moved"]
    assert events == ["registered", "registered", "revived"]


async def test_going_back_to_the_published_version_needs_no_work(store: Database) -> None:
    """A is published, B waits, A comes again: B is dropped and A is unchanged."""
    first = await published(store, "a.md", "A")
    [second] = await register(store, [source("a.md", "B")])
    assert await outcome(store, source("a.md", "A")) == Outcome.UNCHANGED
    assert (await job_row(store, second.job_id))["state"] == JobState.SUPERSEDED
    assert (await job_row(store, first.job_id))["state"] == JobState.COMPLETE
    [document] = await table(store, "documents")
    assert document["latest_job_id"] == document["published_job_id"] == first.job_id


async def test_a_deleted_document_comes_back_as_new(store: Database) -> None:
    """The same bytes after a deletion are accepted, worked on and published again."""
    job = await published(store, "a.md", "one")
    async with store.service() as connection:
        await delete_documents(connection, [job.document_id], Actor("person"))
    again = await published(store, "a.md", "one")
    assert (again.document_id, again.job_id) == (job.document_id, job.job_id)
    assert again.attempt > job.attempt + 1
    assert await texts_of(store, job.document_id) == ["one"]
    [document] = await table(store, "documents")
    assert document["deleted_at"] is None


async def test_a_new_pipeline_version_is_a_new_job_for_the_same_bytes(store: Database) -> None:
    """Another parser or chunker changes the job, not the document."""
    old = await published(store, "a.md", "one")
    newer = PipelineVersion("local-2", VERSION.chunker, SPACE)
    assert await outcome(store, source("a.md", "one"), version=newer) == Outcome.CHANGED
    assert len(await table(store, "documents")) == 1
    assert {row["parser"] for row in await table(store, "upload_jobs")} == {"local-1", "local-2"}
    assert await texts_of(store, old.document_id) == ["one"]


async def test_a_source_named_twice_counts_once_with_the_later_bytes(store: Database) -> None:
    """One call with a source twice makes one document and one job."""
    found = await register(store, [source("a.md", "one"), source("b.md"), source("a.md", "two")])
    assert [each.source for each in found] == ["/files/a.md", "/files/b.md"]
    assert {row["storage_key"] for row in await table(store, "upload_jobs")} == {
        source("a.md", "two").storage_key,
        source("b.md").storage_key,
    }


async def test_two_users_with_one_source_have_a_document_each(store: Database) -> None:
    """The same path and bytes of another user are another document, seen by that user only."""
    [mine] = await register(store, [source("a.md")], ANNA)
    [theirs] = await register(store, [source("a.md")], BEN)
    assert theirs.outcome == Outcome.NEW
    assert {mine.document_id, mine.job_id}.isdisjoint({theirs.document_id, theirs.job_id})


async def test_tags_are_replaced_when_given_and_kept_when_not(store: Database) -> None:
    """Tags are written sorted and once each; registering without any leaves them."""
    for given, kept in [(["b", "a", "b"], ["a", "b"]), ([], ["a", "b"]), (["c"], ["c"])]:
        await register(store, [source("a.md")], tags=given)
        [document] = await table(store, "documents")
        assert document["tags"] == kept


async def test_registering_again_in_the_same_run_changes_nothing(store: Database) -> None:
    """A retried registration finds its own rows."""
    run_id = await new_run(store)
    files = [source(f"{number}.md") for number in range(5)]
    for _ in range(2):
        async with store.service() as connection:
            await registration.register(
                connection, ANNA, files, VERSION, run_id=run_id, actor=FIRST
            )
    assert len(await table(store, "run_jobs")) == 5
    assert {row["outcome"] for row in await table(store, "run_jobs")} == {"new"}
    assert len(await table(store, "job_events")) == 5
    assert {row["versions"] for row in await table(store, "documents")} == {1}


async def test_concurrent_registrations_neither_fail_nor_duplicate(store: Database) -> None:
    """Six connections register the same forty sources in six orders: one document and job each."""
    files = [source(f"{number}.md") for number in range(40)]
    await asyncio.gather(
        *(register(store, random.Random(seed).sample(files, 40)) for seed in range(6))
    )
    assert len(await table(store, "documents")) == 40
    jobs = await table(store, "upload_jobs")
    assert len(jobs) == 40
    assert {row["version"] for row in jobs} == {1}
    events = [row["job_id"] for row in await table(store, "job_events")]
    assert sorted(events) == sorted(row["id"] for row in jobs)


async def test_concurrent_versions_of_one_source_leave_one_latest(store: Database) -> None:
    """Of several versions registered at once one is the latest, and every other is superseded."""
    contents = [f"version {number}" for number in range(6)]
    await asyncio.gather(*(register(store, [source("a.md", content)]) for content in contents))
    [document] = await table(store, "documents")
    jobs = await table(store, "upload_jobs")
    assert sorted(row["version"] for row in jobs) == [1, 2, 3, 4, 5, 6]
    live = [row["id"] for row in jobs if row["state"] == JobState.UPLOADED]
    assert live == [document["latest_job_id"]]
    assert {row["state"] for row in jobs} == {"uploaded", "superseded"}


async def test_a_newer_version_supersedes_a_job_in_the_middle_of_a_step(store: Database) -> None:
    """A worker's step that commits while the newer version is registered does not save the old."""
    [old] = await register(store, [source("a.md", "old")])
    [job] = await claim(store, [old.job_id])
    for start, target in [
        (JobState.UPLOADED, JobState.PARSE_QUEUED),
        (JobState.PARSE_QUEUED, JobState.PARSED),
    ]:
        assert await step(store, job, start, target)
    async with store.service() as connection:
        made = Move(job.job_id, job.attempt, JobState.PARSED, JobState.PARSE_VALIDATED)
        assert await move(connection, [made], Actor(FIRST)) == {job.job_id}
        newer = asyncio.create_task(register(store, [source("a.md", "new")]))
        await _until_somebody_waits(store)
    await newer
    assert (await job_row(store, old.job_id))["state"] == JobState.SUPERSEDED
    assert not await store_chunks(store, job, passages("late"))


async def _until_somebody_waits(database: Database) -> None:
    query = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while True:
        async with database.owner() as connection:
            if await connection.scalar(query):
                return
        await asyncio.sleep(0.01)


async def test_a_deletion_under_way_is_waited_for(store: Database) -> None:
    """What is deleted in the moment of its upload is new, not unchanged: it is made once more."""
    job = await published(store, "a.md", "one")
    async with store.service() as connection:
        await delete_documents(connection, [job.document_id], Actor("person"))
        registering = asyncio.create_task(outcome(store, source("a.md", "one")))
        await until_somebody_waits(store, registering)
    assert await registering == Outcome.NEW
    assert (await job_row(store, job.job_id))["state"] == JobState.UPLOADED


async def test_registering_nothing_is_fine(store: Database) -> None:
    """An empty folder registers nothing and fails nothing."""
    assert await register(store, []) == []
    assert await table(store, "documents") == []
    async with store.service() as connection:
        count = await connection.scalar(sa.text(f"SELECT count(*) FROM {SCHEMA}.upload_jobs"))
    assert count == 0
