"""Draws random histories of jobs on the real database and checks invariants (property-based).

A state machine of Hypothesis: it draws the steps, and prints those that replay a failing history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID, uuid4

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from app.chaos.lifecycle import FAILURES, FIRST, LEASE_SECONDS, SECOND, Acts, other_of, texts
from pipeline.states import ENDED, RETRYABLE, WORKING, JobState
from pipeline.store import job_invariants
from pipeline.store.claims import ClaimedJob
from pipeline.store.database_urls import Addresses
from pipeline.store.engine import Database
from pipeline.store.job_invariants import Life, Readable
from pipeline.store.transitions import Move

SOURCES, VERSIONS = ("a.md", "b.md"), ("1", "2")
WORKERS = st.sampled_from([FIRST, SECOND])
# Who acts on a claim: mostly the worker that took it, sometimes one that never had it.
STRAY = st.sampled_from([False, False, False, True])
_OLDER = (JobState.COMPLETE, JobState.SUPERSEDED, JobState.DELETED)
_BUFFERING = (JobState.CHUNKS_STORED, JobState.EMBEDDINGS_STORED, *RETRYABLE, *WORKING)

Hold = tuple[ClaimedJob, str]
Result = TypeVar("Result")


class Lifecycle(RuleBasedStateMachine):
    """Workers that claim, advance, fail, lose and publish jobs in any order.

    Each history is of a user of its own, so that none sees another's rows.
    """

    database: Database
    runner: asyncio.Runner
    claimed: Bundle[Hold] = Bundle("claimed")

    def __init__(self) -> None:
        super().__init__()
        self.user = uuid4()
        self.acts = Acts(self.database, self.user)
        self.jobs: dict[UUID, tuple[str, str]] = {}
        self.documents: dict[UUID, str] = {}
        self.attempts: dict[UUID, int] = {}
        self.held: list[Hold] = []

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run one piece of work to its end."""
        return self.runner.run(work)

    @rule(name=st.sampled_from(SOURCES), version=st.sampled_from(VERSIONS))
    def take_in(self, name: str, version: str) -> None:
        """A version of a source is given, again or for the first time."""
        found = self.do(self.acts.take_in(name, name + version))
        self.jobs[found.job_id] = (name, version)
        self.documents[found.document_id] = name

    @rule(target=claimed, worker=WORKERS)
    def claim_everything(self, worker: str) -> Any:
        """A worker takes what is free.

        In the order in which jobs came: ids are random, and a history must repeat from its seed.
        """
        held = [(job, worker) for job in self.do(self.acts.claim(list(self.jobs), worker))]
        self.held += held
        return multiple(*held)

    @rule(hold=claimed, stray=STRAY, steps=st.integers(1, 6))
    def work(self, hold: Hold, stray: bool, steps: int) -> None:
        """A worker, perhaps a late one, makes the next steps."""
        for _ in range(steps):
            self.advance(hold[0], other_of(hold[1]) if stray else hold[1])

    @rule(hold=claimed, worker=WORKERS, steps=st.sampled_from([5, 5, 4, 3, 1, 0]))
    def overtake(self, hold: Hold, worker: str, steps: int) -> None:
        """A lease runs out, a worker takes the job and goes on; then the first one wakes up."""
        self.expire(hold)
        for job in self.do(self.acts.claim([hold[0].job_id], worker)):
            self.held.append((job, worker))
            for _ in range(steps):
                self.advance(job, worker)
        self.advance(*hold)

    def advance(self, job: ClaimedJob, worker: str) -> None:
        """One stage."""
        now = JobState(self.life(job).state)
        if now == JobState.PARSE_VALIDATED:
            chunks = texts(*self.jobs[job.job_id])
            self.fenced(job, worker, self.acts.chunk(job, chunks, worker))
        elif now == JobState.CHUNKS_STORED:
            self.fenced(job, worker, self.acts.embed(job, worker))
        elif now == JobState.EMBEDDINGS_STORED:
            self.fenced(job, worker, self.acts.publish(job, worker))
        elif now in WORKING:
            target = WORKING[WORKING.index(now) + 1]
            self.fenced(job, worker, self.acts.step(job, target, now, worker))

    def fenced(self, job: ClaimedJob, worker: str, act: Coroutine[Any, Any, None]) -> None:
        """Act on a claim: who has lost it changes neither the job nor what readers see."""
        before = self.life(job)
        self.do(act)
        if (before.attempt, before.claimed_by) != (job.attempt, worker):
            assert self.life(job) == before, "a late worker was not fenced out"
            self.promises_hold()

    @rule(hold=claimed, stray=STRAY)
    def fail(self, hold: Hold, stray: bool) -> None:
        """The stage finds that the document cannot go on."""
        job, worker = hold[0], other_of(hold[1]) if stray else hold[1]
        now = JobState(self.life(job).state)
        if now in FAILURES:
            target, error = FAILURES[now]
            made = Move(job.job_id, job.attempt, now, target, error=error)
            self.fenced(job, worker, self.acts.move(made, worker))

    @rule()
    def retry_what_failed(self) -> None:
        """A person sends every failed or cancelled job back."""
        self.do(self.acts.retry(list(self.jobs)))

    @rule(hold=claimed)
    def cancel(self, hold: Hold) -> None:
        """A person stops a job, whoever holds it."""
        self.do(self.acts.cancel(hold[0].job_id))

    @rule(hold=claimed)
    def expire(self, hold: Hold) -> None:
        """A lease runs out."""
        self.do(self.acts.prolong(hold[0].claim, hold[1], -1))

    @rule(hold=claimed, stray=STRAY, keep=st.booleans())
    def renew_or_release(self, hold: Hold, stray: bool, keep: bool) -> None:
        """A heartbeat, or the end of a batch, perhaps of a worker that lost the job."""
        job, worker = hold[0], other_of(hold[1]) if stray else hold[1]
        if keep:
            self.do(self.acts.prolong(job.claim, worker, LEASE_SECONDS))
        else:
            self.do(self.acts.release(job.claim, worker))

    @rule(name=st.sampled_from(SOURCES))
    def delete(self, name: str) -> None:
        """A person deletes a document, whatever is being done with it."""
        ids = [document for document, each in self.documents.items() if each == name]
        self.do(self.acts.delete(ids))

    def life(self, job: ClaimedJob) -> Life:
        """Where the job stands now."""
        return next(each for each in self.do(self._lives()) if each.job_id == job.job_id)

    async def _lives(self) -> list[Life]:
        async with self.database.service() as connection:
            return await job_invariants.lives(connection, self.user)

    @invariant()
    def promises_hold(self) -> None:
        """Everything that must be true after every step."""
        found, published = self.do(self._look())
        for life in found:
            self._require_consistent(life)
        complete = [life for life in found if life.state == JobState.COMPLETE]
        assert len({life.document_id for life in complete}) == len(complete), "two versions"
        expected = {life.document_id: texts(*self.jobs[life.job_id]) for life in complete}
        assert {each.document_id: each.texts for each in published} == expected, "not published"
        assert all(each.with_vectors for each in published), "a passage without its vector"

    def _require_consistent(self, life: Life) -> None:
        state = JobState(life.state)
        assert life.attempt >= self.attempts.get(life.job_id, 0), "an attempt went back"
        self.attempts[life.job_id] = life.attempt
        assert not (state in ENDED and life.claimed_by), "an ended job is held"
        assert life.told == life.state, "the last event is not the state"
        assert not life.buffered or state in _BUFFERING, "chunks of an ended job are buffered"
        if state == JobState.COMPLETE:
            assert life.published_job_id == life.job_id, "complete is not published"
        if life.deleted:
            assert state == JobState.DELETED, "a job of a deleted document lives"
        elif life.job_id != life.latest_job_id:
            assert state in _OLDER, "an older version is still worked on"

    async def _look(self) -> tuple[list[Life], list[Readable]]:
        async with self.database.service() as connection:
            return (
                await job_invariants.lives(connection, self.user),
                await job_invariants.readable(connection, self.user),
            )

    def teardown(self) -> None:
        """Whatever happened, the work can still be finished: nothing waits for ever."""
        for job, worker in self.held:
            self.do(self.acts.prolong(job.claim, worker, -1))
        for _ in range(3):
            for held in self.do(self.acts.claim(list(self.jobs), FIRST)):
                self.work((held, FIRST), False, len(WORKING))
            self.retry_what_failed()
        for held in self.do(self.acts.claim(list(self.jobs), FIRST)):
            self.work((held, FIRST), False, len(WORKING))
        self.promises_hold()
        found, _ = self.do(self._look())
        assert all(JobState(life.state) not in WORKING for life in found), "a job waits for ever"
        assert self.do(self._left()) == 0, "vectors are left behind"

    async def _left(self) -> int:
        async with self.database.service() as connection:
            return await job_invariants.buffered_vectors(connection, self.user)


def check(addresses: Addresses, number: int, histories: int, steps: int) -> None:
    """Draw so many histories from a seed, on the database at the addresses.

    Raises:
        AssertionError: a promise was broken; its notes name the steps.
    """
    drawn: type[Lifecycle] = seed(number)(type("Drawn", (Lifecycle,), {}))
    chosen = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        # Without shrinking, which would take minutes: the seed repeats the history as it is.
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    with asyncio.Runner() as runner:
        drawn.database, drawn.runner = Database.at(addresses, pool_size=2), runner
        try:
            runner.run(Acts(drawn.database, uuid4()).open_space())
            run_state_machine_as_test(drawn, settings=chosen)
        finally:
            runner.run(drawn.database.close())
