"""Claims on the real database: one holder at a time, and the late one is refused."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID, uuid4

import sqlalchemy as sa

from pipeline.errors import ServiceUnavailable
from pipeline.states import JobState
from pipeline.store import claims
from pipeline.store.engine import Database, rows
from pipeline.store.registration import PipelineVersion
from pipeline.store.schema import SCHEMA
from tests.pipeline.store.making import (
    FIRST,
    LEASE,
    SECOND,
    SPACE,
    VERSION,
    claim,
    embed,
    job_row,
    passages,
    publish,
    ready,
    registered_jobs,
    step,
    store_chunks,
    table,
)

EXPIRED = -1.0


async def test_a_claim_tells_what_the_stages_need(store: Database) -> None:
    """A claimed job carries its facts, its first attempt, and the order that was asked for."""
    jobs = await registered_jobs(store, 5)
    random.Random(1).shuffle(jobs)
    claimed = await claim(store, jobs)
    assert [job.job_id for job in claimed] == jobs
    assert {job.attempt for job in claimed} == {1}
    assert {job.state for job in claimed} == {JobState.UPLOADED}
    row = await job_row(store, jobs[0])
    assert claimed[0].file_sha256 == row["file_sha256"]
    assert claimed[0].source.startswith("/files/")


async def test_a_claim_whose_end_was_not_heard_is_made_again(store: Database) -> None:
    """A worker has a job of its own name that it does not hold; nobody else has it before."""
    [job] = await registered_jobs(store, 1)
    [lost] = await claim(store, [job])
    assert await claim(store, [job]) == []
    async with store.service() as connection:
        again = await claims.claim(connection, [job], VERSION, SECOND, LEASE, unheard=[job])
        assert again == []
        [mine] = await claims.claim(connection, [job], VERSION, FIRST, LEASE, unheard=[job])
    assert mine.attempt == lost.attempt + 1


async def test_concurrent_claimers_never_share_a_job(store: Database) -> None:
    """Twelve claimers at once over forty jobs: each job goes to exactly one, at attempt one."""
    jobs = await registered_jobs(store, 40)

    async def claimer(number: int) -> list[UUID]:
        mine: list[UUID] = []
        wanted = random.Random(number).sample(jobs, len(jobs))
        for start in range(0, len(wanted), 8):
            group = wanted[start : start + 8]
            mine += [job.job_id for job in await claim(store, group, f"host-{number}/1/1/1")]
        return mine

    taken = await asyncio.gather(*(claimer(number) for number in range(12)))
    assert sorted(job for mine in taken for job in mine) == sorted(jobs)
    assert {row["attempt"] for row in await table(store, "upload_jobs")} == {1}


async def test_a_second_claimer_gets_the_others_without_waiting(store: Database) -> None:
    """While a claim is not committed yet, another takes what is left and waits for nothing."""
    jobs = await registered_jobs(store, 4)
    async with store.service() as first:
        await claims.claim(first, jobs[:2], VERSION, FIRST, LEASE)
        async with store.service() as second:
            await second.execute(sa.text("SET LOCAL lock_timeout = '3s'"))
            others = await claims.claim(second, jobs, VERSION, SECOND, LEASE)
    assert [job.job_id for job in others] == jobs[2:]


async def test_separate_processes_never_share_a_job(store: Database, store_url: str) -> None:
    """Two processes over the same jobs: each job is printed by exactly one of them."""
    jobs = await registered_jobs(store, 30)
    with started_process(store_url, jobs) as one, started_process(store_url, jobs) as other:
        for worker in (one, other):
            await asyncio.to_thread(printed, worker)
        lines = await asyncio.gather(*(asyncio.to_thread(go, worker) for worker in (one, other)))
    assert sorted(job for got in lines for job in got) == sorted(str(job) for job in jobs)


async def test_the_jobs_of_a_killed_local_process_are_taken_over_at_once(
    store: Database, store_url: str
) -> None:
    """While its process lives a job is refused; after SIGKILL its lease need not run out."""
    [job] = await registered_jobs(store, 1)
    with started_process(store_url, [job]) as worker:
        await asyncio.to_thread(printed, worker)
        assert await asyncio.to_thread(go, worker) == [str(job)]
        assert await claim(store, [job], SECOND) == []
    [taken] = await claim(store, [job], SECOND)
    assert taken.attempt == 2


async def test_a_living_holder_keeps_its_job(store: Database) -> None:
    """Neither another worker nor the same process in a second batch gets a job that is held."""
    [job] = await registered_jobs(store, 1)
    await claim(store, [job])
    assert await claim(store, [job], SECOND) == []
    assert await claim(store, [job], FIRST) == []


async def test_an_expired_lease_is_taken_over_and_the_late_writer_refused(store: Database) -> None:
    """After the take-over nothing that the first holder writes arrives: no move, no publish."""
    [job] = await registered_jobs(store, 1)
    [late] = await claim(store, [job], lease_seconds=EXPIRED)
    await ready(store, late, "one", "two")
    [now] = await claim(store, [job], SECOND)
    assert now.attempt == late.attempt + 1

    assert not await step(store, late, JobState.EMBEDDINGS_STORED, JobState.QUARANTINED)
    assert (await publish(store, late)).complete == frozenset()
    assert await table(store, "document_chunks") == []
    assert (await publish(store, now, worker=SECOND)).complete == {job}


async def test_a_late_writer_cannot_chunk(store: Database) -> None:
    """The chunks of a worker that lost its job are not written over those of the new one."""
    [job] = await registered_jobs(store, 1)
    [late] = await claim(store, [job], lease_seconds=EXPIRED)
    for start, target in [
        (JobState.UPLOADED, JobState.PARSE_QUEUED),
        (JobState.PARSE_QUEUED, JobState.PARSED),
        (JobState.PARSED, JobState.PARSE_VALIDATED),
    ]:
        assert await step(store, late, start, target)
    [now] = await claim(store, [job], SECOND)
    assert await store_chunks(store, now, passages("new"), SECOND)
    assert not await store_chunks(store, late, passages("old"))
    assert [row["text"] for row in await table(store, "document_chunk_buffer")] == ["new"]
    assert await embed(store, [job], SECOND) == 1


async def test_renewing_never_revives_an_expired_lease(store: Database) -> None:
    """A lease that ran out stays run out, whether or not somebody took the job since."""
    held, lost, taken = await registered_jobs(store, 3)
    [a] = await claim(store, [held])
    [b, c] = await claim(store, [lost, taken], lease_seconds=EXPIRED)
    await claim(store, [taken], SECOND)
    async with store.service() as connection:
        renewed = await claims.renew(connection, [a.claim, b.claim, c.claim], FIRST, 600)
    assert renewed == {held}
    assert (await job_row(store, taken))["claimed_by"] == SECOND
    assert [job.job_id for job in await claim(store, [held, lost], SECOND)] == [lost]


async def test_the_lease_is_counted_by_the_clock_of_the_database(store: Database) -> None:
    """A lease ends so many seconds after the database's own time, and is renewed from there."""
    [job] = await registered_jobs(store, 1)
    query = sa.text(
        f"SELECT extract(epoch FROM lease_until - now())::float FROM {SCHEMA}.upload_jobs"
    )
    async with store.service() as connection:
        [held] = await claims.claim(connection, [job], VERSION, FIRST, 30)
        assert await connection.scalar(query) == 30
    async with store.service() as connection:
        await claims.renew(connection, [held.claim], FIRST, 90)
        assert await connection.scalar(query) == 90


async def test_released_jobs_are_free_at_once_and_keep_their_state(store: Database) -> None:
    """Giving a job back needs no waiting; another worker's release changes nothing."""
    [job] = await registered_jobs(store, 1)
    [held] = await claim(store, [job])
    await step(store, held, JobState.UPLOADED, JobState.PARSE_QUEUED)
    async with store.service() as connection:
        await claims.release(connection, [held.claim], SECOND)
    assert (await job_row(store, job))["claimed_by"] == FIRST
    async with store.service() as connection:
        await claims.release(connection, [held.claim], FIRST)
    [taken] = await claim(store, [job], SECOND)
    assert (taken.state, taken.attempt) == (JobState.PARSE_QUEUED, 2)


async def test_a_late_release_leaves_the_newer_claim_of_the_same_worker(store: Database) -> None:
    """A batch that slept past its lease gives away nothing that its worker has claimed anew."""
    [job] = await registered_jobs(store, 1)
    [late] = await claim(store, [job], lease_seconds=EXPIRED)
    await claim(store, [job])
    async with store.service() as connection:
        await claims.release(connection, [late.claim], FIRST)
    assert await claim(store, [job], SECOND) == []


async def test_other_pipeline_versions_and_unknown_jobs_are_left_alone(store: Database) -> None:
    """A worker is given only jobs of its own parser, chunker and space."""
    [job] = await registered_jobs(store, 1)
    for version in (
        PipelineVersion("local-2", VERSION.chunker, SPACE),
        PipelineVersion(VERSION.parser, "markdown-2:400/50", SPACE),
        PipelineVersion(VERSION.parser, VERSION.chunker, uuid4()),
    ):
        assert await claim(store, [job], version=version) == []
    assert await claim(store, [uuid4()]) == []
    assert len(await claim(store, [job])) == 1


async def test_held_names_only_what_is_still_ours_at_the_state(store: Database) -> None:
    """A stage sees its jobs at its state, without those that were lost or moved on."""
    a, b, c = await registered_jobs(store, 3)
    mine = await claim(store, [a])
    mine += await claim(store, [b], lease_seconds=EXPIRED)
    mine += await claim(store, [c])
    await claim(store, [b], SECOND)
    await step(store, mine[2], JobState.UPLOADED, JobState.PARSE_QUEUED)
    held = [job.claim for job in mine]
    async with store.service() as connection:
        uploaded = await claims.held(connection, held, FIRST, [JobState.UPLOADED])
        queued = await claims.held(connection, held, FIRST, [JobState.PARSE_QUEUED])
    assert [job.job_id for job in uploaded] == [a]
    assert [job.job_id for job in queued] == [c]


async def test_trouble_is_written_down_and_makes_sweeps_wait(store: Database) -> None:
    """A transient trouble keeps the state and waits longer each time, up to an hour.

    It is no failure of the job's, and a step that is made ends the count.
    """
    [job] = await registered_jobs(store, 1)
    [held] = await claim(store, [job])
    query = sa.text(
        f"SELECT extract(epoch FROM not_before - now())::float AS wait FROM {SCHEMA}.upload_jobs"
    )
    waits = []
    for _ in range(12):
        async with store.service() as connection:
            await claims.note_trouble(
                connection, [held.claim], FIRST, ServiceUnavailable("The embedder is away.")
            )
            waits.append((await rows(connection, query))[0]["wait"])
    row = await job_row(store, job)
    told = (row["state"], row["failures"], row["troubles"], row["error_code"])
    assert told == ("uploaded", 0, 12, "service_unavailable")
    assert 5 <= waits[0] <= 10
    assert 10 <= waits[1] <= 20
    assert 1800 <= waits[-1] <= 3600
    await step(store, held, JobState.UPLOADED, JobState.PARSE_QUEUED)
    assert (await job_row(store, job))["troubles"] == 0


async def test_concurrent_stages_renewals_and_bills_do_not_deadlock(store: Database) -> None:
    """Writers over the same jobs in different orders wait for each other, never in a circle."""
    from decimal import Decimal

    from pipeline.store import service_calls

    jobs = await registered_jobs(store, 60)
    held = [job.claim for job in await claim(store, jobs)]

    async def renewing(number: int) -> None:
        order = random.Random(number)
        for _ in range(12):
            some = order.sample(held, 40)
            async with store.service() as connection:
                await claims.renew(connection, some, FIRST, LEASE)

    async def billing(number: int) -> None:
        order = random.Random(number)
        for _ in range(12):
            some = [(each.job_id, 10, Decimal("0.01")) for each in order.sample(held, 40)]
            async with store.service() as connection:
                await service_calls.bill(connection, some)

    await asyncio.gather(*(renewing(n) for n in range(4)), *(billing(n) for n in range(4, 8)))
    billed = sum(row["billed_tokens"] for row in await table(store, "upload_jobs"))
    assert billed == 4 * 12 * 40 * 10


@contextmanager
def started_process(url: str, jobs: Sequence[UUID]) -> Iterator[subprocess.Popen[str]]:
    """A worker process over the jobs; it prints a line and waits for `go`; killed at the end."""
    module = "tests.pipeline.store.claiming_process"
    worker = subprocess.Popen(
        [sys.executable, "-m", module, url, *map(str, jobs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.communicate()


def printed(worker: subprocess.Popen[str]) -> str:
    """The next line that it prints: the first one says that it is there."""
    assert worker.stdout is not None
    return next(worker.stdout)


def go(worker: subprocess.Popen[str]) -> list[str]:
    """Let it claim; the ids of the jobs that it got and still holds."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()
    return [line.strip() for line in iter(worker.stdout.readline, "done\n")]
