"""Random lives of jobs on the real database: whatever workers do, the promises hold.

12 histories by default; NAVIGATOR_TEST_HISTORIES=1000 runs more, NAVIGATOR_TEST_SEED repeats one
run. A failing history is printed with the steps that replay it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from pipeline.errors import ChunkingError, EmbeddingError, NavigatorError, ParseCode, ParseError
from pipeline.states import ENDED, RETRYABLE, WORKING, JobState, may
from pipeline.store import cancelling, claims, deletion, retrying, vector_buffer
from pipeline.store.claims import ClaimedJob
from pipeline.store.engine import Database, rows
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor, Move, move
from tests.pipeline.store.making import (
    FIRST,
    LEASE,
    SECOND,
    SPACE,
    claim,
    embed,
    open_space,
    passages,
    publish,
    register,
    source,
    step,
    store_chunks,
)

SOURCES = ["a.md", "b.md"]
VERSIONS = ["1", "2"]
WORKERS = st.sampled_from([FIRST, SECOND])
# Who acts on a claim: mostly the worker that took it, sometimes one that never had it.
STRAY = st.sampled_from([False, False, False, True])
FAILURES: dict[JobState, tuple[JobState, NavigatorError]] = {
    JobState.PARSE_QUEUED: (JobState.FAILED_PARSE, ParseError(ParseCode.BROKEN, "Broken.")),
    JobState.PARSE_VALIDATED: (JobState.FAILED_CHUNKING, ChunkingError("No chunks.")),
    JobState.CHUNKS_STORED: (JobState.FAILED_EMBEDDING, EmbeddingError("Refused.")),
    JobState.EMBEDDINGS_STORED: (JobState.QUARANTINED, ChunkingError("Judged.")),
}

_JOBS = sa.text(
    f"""
    SELECT j.id, j.document_id, j.state, j.attempt, j.claimed_by, j.file_sha256,
           d.published_job_id, d.latest_job_id, d.deleted_at
    FROM {SCHEMA}.upload_jobs AS j JOIN {SCHEMA}.documents AS d ON d.id = j.document_id
    """
)
_CHUNKS = sa.text(
    f"""
    SELECT c.document_id, array_agg(c.text ORDER BY c.ordinal) AS texts,
           count(*) = count(v.chunk_id) AS all_with_vector
    FROM {SCHEMA}.document_chunks AS c
    LEFT JOIN {SCHEMA}.chunk_vectors AS v ON v.chunk_id = c.id GROUP BY c.document_id
    """
)
_BUFFERED = sa.text(
    f"""
    SELECT DISTINCT j.id, j.state FROM {SCHEMA}.document_chunk_buffer AS b
    JOIN {SCHEMA}.upload_jobs AS j ON j.id = b.job_id
    """
)
_LAST_EVENTS = sa.text(
    f"""
    SELECT DISTINCT ON (job_id) job_id, to_state FROM {SCHEMA}.job_events ORDER BY job_id, id DESC
    """
)
_EXPIRE = sa.text(
    f"UPDATE {SCHEMA}.upload_jobs SET lease_until = now() - interval '1 s'"
    " WHERE id = :id AND claimed_by IS NOT NULL"
)


Hold = tuple[ClaimedJob, str]


def other_of(worker: str) -> str:
    """The other worker."""
    return SECOND if worker == FIRST else FIRST


def texts(name: str, version: str) -> list[str]:
    """A version's passages: one shared by all, one of the document, one of the version."""
    return ["everywhere", f"in {name}", f"{name} in version {version}", "everywhere"]


class Lifecycle(RuleBasedStateMachine):
    """Workers that claim, advance, fail, lose and publish jobs in any order."""

    url = ""
    claimed = Bundle("claimed")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        engine = sa.create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            # with few rows quicker than TRUNCATE, which makes new files
            for name in ("documents", "ingest_runs", "job_events", "document_vector_buffer"):
                connection.execute(sa.text(f"DELETE FROM {SCHEMA}.{name}"))
        engine.dispose()
        self.database = Database(self.url, pool_size=2)
        self.do(open_space(self.database))
        self.jobs: dict[UUID, tuple[str, str]] = {}
        self.documents: dict[UUID, str] = {}
        self.attempts: dict[UUID, int] = {}

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run one piece of work to its end."""
        return self.loop.run_until_complete(work)

    def state(self, job: ClaimedJob) -> JobState:
        """Where the job stands now."""
        query = sa.text(f"SELECT state FROM {SCHEMA}.upload_jobs WHERE id = :id")

        async def read() -> str:
            async with self.database.service() as connection:
                return str(await connection.scalar(query, {"id": job.job_id}))

        return JobState(self.do(read()))

    @rule(name=st.sampled_from(SOURCES), version=st.sampled_from(VERSIONS))
    def take_in(self, name: str, version: str) -> None:
        """A version of a source is given, again or for the first time."""
        [found] = self.do(register(self.database, [source(name, name + version)]))
        self.jobs[found.job_id] = (name, version)
        self.documents[found.document_id] = name

    @rule(target=claimed, worker=WORKERS)
    def claim_everything(self, worker: str) -> Any:
        """A worker takes what is free."""
        held = self.do(claim(self.database, sorted(self.jobs), worker))
        return multiple(*((job, worker) for job in held))

    @rule(hold=claimed, stray=STRAY, steps=st.integers(1, 6))
    def work(self, hold: Hold, stray: bool, steps: int) -> None:
        """A worker, perhaps a late one, makes the next steps."""
        for _ in range(steps):
            self.advance(hold[0], other_of(hold[1]) if stray else hold[1])

    def advance(self, job: ClaimedJob, worker: str) -> None:
        """One stage."""
        now = self.state(job)
        if now == JobState.PARSE_VALIDATED:
            chunks = passages(*texts(*self.jobs[job.job_id]))
            self.do(store_chunks(self.database, job, chunks, worker))
        elif now == JobState.CHUNKS_STORED:
            self.do(self._embed(job, worker))
        elif now == JobState.EMBEDDINGS_STORED:
            self.do(publish(self.database, job, worker=worker))
        elif now in WORKING:
            self.do(step(self.database, job, now, WORKING[WORKING.index(now) + 1], worker))

    async def _embed(self, job: ClaimedJob, worker: str) -> None:
        await embed(self.database, [job.job_id], worker)
        async with self.database.service() as connection:
            missing = await vector_buffer.count_missing(connection, [job.job_id], SPACE)
        if not missing:
            now, target = JobState.CHUNKS_STORED, JobState.EMBEDDINGS_STORED
            await step(self.database, job, now, target, worker)

    @rule(hold=claimed, stray=STRAY)
    def fail(self, hold: Hold, stray: bool) -> None:
        """The stage finds that the document cannot go on."""
        job, worker = hold[0], other_of(hold[1]) if stray else hold[1]
        now = self.state(job)
        if now in FAILURES:
            target, error = FAILURES[now]
            self.do(self._move(Move(job.job_id, job.attempt, now, target, error=error), worker))

    async def _move(self, made: Move, worker: str) -> None:
        async with self.database.service() as connection:
            await move(connection, [made], Actor(worker))

    @rule()
    def retry_what_failed(self) -> None:
        """A person sends every failed or cancelled job back."""

        async def retry() -> None:
            async with self.database.service() as connection:
                await retrying.retry_jobs(connection, sorted(self.jobs), Actor("person"))

        self.do(retry())

    @rule(hold=claimed)
    def cancel(self, hold: Hold) -> None:
        """A person stops a job, whoever holds it."""

        async def stop() -> None:
            async with self.database.service() as connection:
                ids, owner = [hold[0].job_id], hold[0].user_id
                await cancelling.cancel_jobs(connection, ids, owner, Actor("person"))

        self.do(stop())

    @rule(hold=claimed)
    def expire(self, hold: Hold) -> None:
        """A lease runs out."""

        async def late() -> None:
            async with self.database.service() as connection:
                await connection.execute(_EXPIRE, {"id": hold[0].job_id})

        self.do(late())

    @rule(hold=claimed, stray=STRAY, keep=st.booleans())
    def renew_or_release(self, hold: Hold, stray: bool, keep: bool) -> None:
        """A heartbeat, or the end of a batch, perhaps of a worker that lost the job."""
        job, worker = hold[0], other_of(hold[1]) if stray else hold[1]

        async def beat() -> None:
            async with self.database.service() as connection:
                if keep:
                    await claims.renew(connection, [job.claim], worker, LEASE)
                else:
                    await claims.release(connection, [job.claim], worker)

        self.do(beat())

    @rule(name=st.sampled_from(SOURCES))
    def delete(self, name: str) -> None:
        """A person deletes a document, whatever is being done with it."""
        ids = [document for document, each in self.documents.items() if each == name]

        async def remove() -> None:
            async with self.database.service() as connection:
                await deletion.delete_documents(connection, ids, Actor("person"))

        self.do(remove())

    @invariant()
    def promises_hold(self) -> None:
        """Everything that must be true after every step."""
        jobs, chunks, buffered, events = self.do(self._look())
        complete: dict[UUID, UUID] = {}
        for row in jobs:
            state = JobState(row["state"])
            assert row["attempt"] >= self.attempts.get(row["id"], 0), "an attempt went back"
            self.attempts[row["id"]] = row["attempt"]
            assert not (state in ENDED and row["claimed_by"]), "an ended job is held"
            assert events[row["id"]] == state, "the last event is not the state"
            if state == JobState.COMPLETE:
                assert row["document_id"] not in complete, "two complete versions"
                complete[row["document_id"]] = row["id"]
                assert row["published_job_id"] == row["id"], "complete is not published"
            if row["deleted_at"] is not None:
                assert state == JobState.DELETED, "a job of a deleted document lives"
            elif row["id"] != row["latest_job_id"]:
                ended = (JobState.COMPLETE, JobState.SUPERSEDED, JobState.DELETED)
                assert state in ended, "an older version is still worked on"
        published = {document: texts(*self.jobs[job]) for document, job in complete.items()}
        assert {row["document_id"]: row["texts"] for row in chunks} == published
        assert all(row["all_with_vector"] for row in chunks)
        for row in buffered:
            allowed = (JobState.CHUNKS_STORED, JobState.EMBEDDINGS_STORED, *RETRYABLE, *WORKING)
            assert JobState(row["state"]) in allowed, "chunks of an ended job are buffered"

    async def _look(self) -> tuple[Any, Any, Any, dict[UUID, JobState]]:
        async with self.database.service() as connection:
            jobs = await rows(connection, _JOBS)
            chunks = await rows(connection, _CHUNKS)
            buffered = await rows(connection, _BUFFERED)
            events = await rows(connection, _LAST_EVENTS)
        return jobs, chunks, buffered, {r["job_id"]: JobState(r["to_state"]) for r in events}

    def teardown(self) -> None:
        """Whatever happened, the work can still be finished: nothing waits for ever."""
        try:
            for job in self.jobs:
                self.do(self._expire_id(job))
            for _ in range(2):
                for held in self.do(claim(self.database, sorted(self.jobs), FIRST)):
                    self.work((held, FIRST), False, len(WORKING))
                self.retry_what_failed()
            for held in self.do(claim(self.database, sorted(self.jobs), FIRST)):
                self.work((held, FIRST), False, len(WORKING))
            self.promises_hold()
            jobs, *_ = self.do(self._look())
            assert all(JobState(row["state"]) not in WORKING for row in jobs), (
                "a job waits for ever"
            )
            leftover = sa.text(f"SELECT sha256 FROM {SCHEMA}.document_vector_buffer")
            assert self.do(self._scalars(leftover)) == [], "vectors are left behind"
        finally:
            self.do(self.database.close())
            self.loop.close()

    async def _scalars(self, query: sa.TextClause) -> list[Any]:
        async with self.database.service() as connection:
            return list((await connection.execute(query)).scalars())

    async def _expire_id(self, job: UUID) -> None:
        expire = sa.text(
            f"UPDATE {SCHEMA}.document_vector_buffer SET lease_until = now() - interval '1 s'"
            " WHERE embedding IS NULL"
        )
        async with self.database.service() as connection:
            await connection.execute(_EXPIRE, {"id": job})
            await connection.execute(expire)


@pytest.fixture
def machine(shared_database_url: str) -> Iterator[type[Lifecycle]]:
    """The machine over the shared database; it empties it for each history."""
    Lifecycle.url = shared_database_url
    yield Lifecycle


def test_random_histories_keep_the_promises(machine: type[Lifecycle]) -> None:
    """After every step of every history: legal, fenced, whole, and nothing left behind."""
    number = int(os.environ.get("NAVIGATOR_TEST_SEED") or int.from_bytes(os.urandom(4), "big"))
    print(f"\nNAVIGATOR_TEST_SEED={number}")  # noqa: T201
    options = settings(
        max_examples=int(os.environ.get("NAVIGATOR_TEST_HISTORIES", "12")),
        stateful_step_count=int(os.environ.get("NAVIGATOR_TEST_STEPS", "10")),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(machine), settings=options)


def test_every_failure_used_here_is_legal() -> None:
    """The machine's own failures are steps that the state machine has."""
    assert all(may(start, target) for start, (target, _) in FAILURES.items())
