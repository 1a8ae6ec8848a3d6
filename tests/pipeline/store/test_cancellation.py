"""Cancelling on the real database: the job ends, and whoever works on it is fenced out."""

from __future__ import annotations

import pytest

from pipeline.states import RETRY_STATE, JobState
from pipeline.store.cancellation import cancel_jobs
from pipeline.store.engine import Database
from pipeline.store.retrying import retry_jobs
from pipeline.store.transitions import Actor
from tests.pipeline.store.making import (
    ANNA,
    BEN,
    TO_VALIDATED,
    claim,
    job_row,
    passages,
    publish,
    published,
    ready,
    register,
    source,
    step,
    store_chunks,
    table,
)

PERSON = Actor("person")


async def cancelled(store: Database, *jobs: object, user: object = ANNA) -> set[object]:
    async with store.service() as connection:
        return set(await cancel_jobs(connection, list(jobs), user, PERSON))  # type: ignore[arg-type]


async def test_a_late_write_of_a_cancelled_job_is_refused(store: Database) -> None:
    """A worker that was at it when the job was cancelled writes neither state nor chunks."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    for start, target in TO_VALIDATED:
        assert await step(store, job, start, target)
    assert await cancelled(store, job.job_id) == {job.job_id}
    assert not await store_chunks(store, job, passages("late"))
    assert await table(store, "document_chunk_buffer") == []
    row = await job_row(store, job.job_id)
    assert (row["state"], row["claimed_by"]) == (JobState.CANCELLED, None)
    assert row["attempt"] == job.attempt + 1
    assert row["finished_at"] is not None


async def test_a_cancelled_job_is_not_published_and_not_claimed(store: Database) -> None:
    """Cancelled one step before the end, it stays unpublished until a person sends it back."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    await ready(store, job, "one", "two")
    await cancelled(store, job.job_id)
    assert (await publish(store, job)).complete == set()
    assert await table(store, "document_chunks") == []
    assert await claim(store, [job.job_id]) == []
    async with store.service() as connection:
        assert await retry_jobs(connection, [job.job_id], PERSON, BEN) == set()
        assert await retry_jobs(connection, [job.job_id], PERSON, ANNA) == {job.job_id}
    assert (await job_row(store, job.job_id))["state"] == RETRY_STATE[JobState.CANCELLED]
    [again] = await claim(store, [job.job_id])
    await ready(store, again, "one", "two")
    assert (await publish(store, again)).complete == {job.job_id}


async def test_only_the_owner_cancels(store: Database) -> None:
    """Another user's cancel changes nothing; the event names the person."""
    [found] = await register(store, [source("a.md")])
    assert await cancelled(store, found.job_id, user=BEN) == set()
    assert (await job_row(store, found.job_id))["state"] == JobState.UPLOADED
    await cancelled(store, found.job_id)
    [event] = [e for e in await table(store, "job_events") if e["to_state"] == JobState.CANCELLED]
    assert (event["actor"], event["from_state"]) == ("person", JobState.UPLOADED)


async def test_what_has_ended_is_not_cancelled(store: Database) -> None:
    """A published document stays published."""
    job = await published(store, "a.md", "one")
    assert await cancelled(store, job.job_id) == set()
    assert (await job_row(store, job.job_id))["state"] == JobState.COMPLETE


@pytest.mark.parametrize("content", ["the same", "another"])
async def test_the_same_bytes_again_do_not_revive_it_and_others_supersede_it(
    store: Database, content: str
) -> None:
    """A person cancelled these bytes: they wait for a retry, until another version comes."""
    [found] = await register(store, [source("a.md", "the same")])
    await cancelled(store, found.job_id)
    [again] = await register(store, [source("a.md", content)])
    state = (await job_row(store, found.job_id))["state"]
    if content == "the same":
        assert (again.outcome, state) == ("failed_before", JobState.CANCELLED)
    else:
        assert (again.outcome, state) == ("changed", JobState.SUPERSEDED)
