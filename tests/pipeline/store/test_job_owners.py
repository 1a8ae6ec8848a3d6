"""Who owns a job: the run that took it while it lives; what was stopped waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import sqlalchemy as sa

from pipeline.errors import CostCapReached, QuotaExhausted, ServiceUnavailable
from pipeline.states import Stop
from pipeline.store import (
    backlog,
    claims,
    dead_runs,
    job_owners,
    registration,
    run_jobs,
    runs,
    stops,
)
from pipeline.store.backlog import Selection
from pipeline.store.candidates import Wanted, candidates
from pipeline.store.engine import Database, rows
from pipeline.store.registration import PipelineVersion
from pipeline.store.schema import SCHEMA, ingest_runs
from pipeline.store.transitions import Actor
from pipeline.worker_identity import worker_name
from tests.pipeline.store.making import (
    ANNA,
    FIRST,
    LEASE,
    SECOND,
    SPACE,
    VERSION,
    claim,
    job_row,
    new_run,
    source,
    table,
)

DEAD = worker_name().rpartition("/")[0].rpartition("/")[0] + "/999999999/1.00"
"""A process of this machine that is gone."""


async def taken_in(
    store: Database, names: Sequence[str] = ("a.md",), *, worker: str | None = FIRST,
    seconds: float = LEASE,
) -> tuple[UUID, list[UUID]]:  # fmt: skip
    """A run that a worker holds (nobody, when it is None), and the jobs that it registered."""
    run = await new_run(store)
    if worker is not None:
        async with store.service() as connection:
            await job_owners.acquire_run_lease(connection, run, worker, seconds)
    async with store.service() as connection:
        found = await registration.register(
            connection, ANNA, [source(name) for name in names], VERSION, run_id=run, actor="person"
        )
    return run, [each.job_id for each in found]


async def waiting(store: Database) -> list[UUID]:
    """What a sweep would take up."""
    async with store.service() as connection:
        found = await backlog.waiting(connection, Selection())
    return [job for jobs in found.values() for job in jobs]


async def claimed_for(store: Database, jobs: Sequence[UUID], run: UUID | None) -> list[UUID]:
    async with store.service() as connection:
        held = await claims.claim(connection, jobs, VERSION, SECOND, LEASE, run)
    return [each.job_id for each in held]


async def test_a_living_runs_jobs_are_its_own(store: Database) -> None:
    """No sweep finds them and no other run claims them; their own run does."""
    run, jobs = await taken_in(store)
    assert await waiting(store) == []
    assert await claimed_for(store, jobs, await new_run(store)) == []
    assert await claimed_for(store, jobs, None) == []
    assert await claimed_for(store, jobs, run) == jobs


async def test_a_run_that_nobody_holds_owns_nothing(store: Database) -> None:
    """What an upload registered is free from the beginning, for whoever comes."""
    _, jobs = await taken_in(store, worker=None)
    assert await waiting(store) == jobs
    assert await claimed_for(store, jobs, await new_run(store)) == jobs


async def test_a_run_gives_back_its_jobs_however_it_ends(store: Database) -> None:
    """Finished, let go, silent past its lease, or its process gone: the jobs are free."""
    finished, first = await taken_in(store, ["a.md"])
    left, second = await taken_in(store, ["b.md"])
    _, third = await taken_in(store, ["c.md"], seconds=-1)
    _, fourth = await taken_in(store, ["d.md"], worker=DEAD)
    async with store.service() as connection:
        await runs.finish_run(connection, finished, None)
    async with store.service() as connection:
        await job_owners.release_run_lease(connection, left, FIRST)
    free = [*first, *second, *third, *fourth]
    assert sorted(await waiting(store)) == sorted(free)
    assert await claimed_for(store, free, await new_run(store)) == free


async def test_a_claim_makes_the_job_its_runs_own(store: Database) -> None:
    """What another run has claimed belongs to it, so that its cap and its stops hold for it."""
    _, jobs = await taken_in(store, worker=None)
    run = await new_run(store)
    await claimed_for(store, jobs, run)
    assert (await job_row(store, jobs[0]))["run_id"] == run


async def test_looking_for_what_is_left_keeps_no_run_from_its_jobs(store: Database) -> None:
    """While another run asks for jobs that have an owner, that owner claims them all."""
    run, jobs = await taken_in(store)
    other = await new_run(store)
    async with store.service() as connection:
        assert await job_owners.adopt(connection, jobs, Actor(SECOND, other)) == set()
        assert await claimed_for(store, jobs, run) == jobs


async def test_another_run_cannot_let_go_or_prolong(store: Database) -> None:
    """Only the process that holds a run speaks for it, and only while its lease lasts."""
    run, _ = await taken_in(store)
    late, _ = await taken_in(store, ["b.md"], seconds=-1)
    async with store.service() as connection:
        await job_owners.release_run_lease(connection, run, SECOND)
        assert not await job_owners.renew_run_lease(connection, run, SECOND, LEASE)
        assert await job_owners.renew_run_lease(connection, run, FIRST, LEASE)
        assert not await job_owners.renew_run_lease(connection, late, FIRST, LEASE)
    assert len(await waiting(store)) == 1


async def test_what_is_stopped_waits_for_a_person(store: Database) -> None:
    """No sweep, no run and no worker takes it up; the job says why, and what to do."""
    run, jobs = await taken_in(store, ["a.md", "b.md"])
    async with store.service() as connection:
        stop = stops.stop_of(CostCapReached("The cap is reached."))
        count = await stops.stop_run(connection, stop, Actor(FIRST, run), "The cap is reached.")
        await runs.finish_run(connection, run, "The cap is reached.")
        assert await stops.stopped_jobs(connection, run) == {ANNA: sorted(jobs)}
        [told] = await stops.stopped_runs(connection)
    assert (told.run_id, told.documents, told.message) == (run, 2, "The cap is reached.")
    assert count == 2
    assert await waiting(store) == []
    assert await claim(store, jobs) == []
    sweep = await new_run(store, asked=False)
    async with store.service() as connection:
        await run_jobs.join_run(connection, jobs, "waiting", Actor(SECOND, sweep))
        assert await run_jobs.waiting_jobs(connection, sweep) == []
    row = await job_row(store, jobs[0])
    assert (row["stopped"], row["error_code"]) == (Stop.COST_CAP, "cost_cap_reached")
    assert row["error_message"] == "The cap is reached."
    assert f"navigator resume {str(run)[:8]}" in row["error_remedy"]
    events = [row["event"] for row in await table(store, "job_events")]
    assert events.count("stopped") == 2


async def test_a_person_who_takes_it_in_again_lifts_the_stop(store: Database) -> None:
    """An ingest of the same bytes goes on with them, and the reason is gone."""
    run, jobs = await taken_in(store)
    async with store.service() as connection:
        await stops.stop_run(connection, Stop.PERSON, Actor(FIRST, run), "A person stopped it.")
        await runs.finish_run(connection, run, None)
    again, same = await taken_in(store)
    assert same == jobs
    row = await job_row(store, jobs[0])
    assert (row["stopped"], row["error_code"], row["run_id"]) == (None, None, again)
    assert await claimed_for(store, jobs, again) == jobs
    [resumed] = [row for row in await table(store, "job_events") if row["event"] == "resumed"]
    assert resumed["details"] == {"after": "stopped_by_person"}


async def test_a_second_ingest_leaves_the_first_its_jobs(store: Database) -> None:
    """Taken in twice at once, a job stays with the living run; the other knows who has it."""
    first, jobs = await taken_in(store)
    second, _ = await taken_in(store, worker=SECOND)
    assert (await job_row(store, jobs[0]))["run_id"] == first
    async with store.service() as connection:
        assert await run_jobs.waiting_jobs(connection, second) == []
        [other] = await job_owners.held_elsewhere(connection, second)
        assert (other.owner, other.jobs) == (first, jobs)
        assert f"1 documents that the ingest {str(first)[:8]}" in str(other)
        who = Actor(SECOND, second)
        assert await job_owners.adopt_orphaned_jobs(connection, who, []) == set()
    async with store.service() as connection:
        await runs.finish_run(connection, first, None)
    async with store.service() as connection:
        assert await job_owners.held_elsewhere(connection, second) == []
        assert await job_owners.adopt_orphaned_jobs(connection, who, []) == set(jobs)
        assert [each.job_id for each in await run_jobs.waiting_jobs(connection, second)] == jobs


async def test_runs_that_gave_up_do_not_wait_for_each_other(store: Database) -> None:
    """What a run could not finish is free, though it lives; it does not try the same job twice."""
    first, jobs = await taken_in(store)
    second, _ = await taken_in(store, worker=SECOND)
    async with store.service() as connection:
        await job_owners.release_jobs(connection, first)
        assert await job_owners.held_elsewhere(connection, second) == []
        who = Actor(FIRST, first)
        assert await job_owners.adopt_orphaned_jobs(connection, who, jobs) == set()
        who = Actor(SECOND, second)
        assert await job_owners.adopt_orphaned_jobs(connection, who, []) == set(jobs)


async def test_a_dead_workers_claim_is_no_hindrance(store: Database) -> None:
    """Its lease has not run out, but its process is gone: the next ingest has the job at once."""
    dead_run, jobs = await taken_in(store, worker=DEAD)
    async with store.service() as connection:
        await claims.claim(connection, jobs, VERSION, DEAD, LEASE, dead_run)
    again, same = await taken_in(store)
    assert same == jobs
    assert (await job_row(store, jobs[0]))["run_id"] == again


async def test_what_a_worker_holds_for_nobodys_run_is_waited_for(store: Database) -> None:
    """An upload that is being worked on is not taken from its worker, only named."""
    upload, jobs = await taken_in(store, worker=None)
    await claimed_for(store, jobs, upload)
    run, _ = await taken_in(store)
    async with store.service() as connection:
        [other] = await job_owners.held_elsewhere(connection, run)
        assert other.jobs == jobs
        assert await job_owners.adopt_orphaned_jobs(connection, Actor(FIRST, run), []) == set()


async def test_only_jobs_that_are_still_held_are_stopped_with_their_batch(store: Database) -> None:
    """A worker that lost a job cannot stop it for who has it now."""
    run, jobs = await taken_in(store, ["a.md", "b.md"], worker=None)
    async with store.service() as connection:
        held = await claims.claim(connection, jobs, VERSION, FIRST, -1, run)
    await claimed_for(store, [jobs[0]], run)
    reason = QuotaExhausted("The account has no credit left.")
    async with store.service() as connection:
        count = await stops.stop_claimed(
            connection, [each.claim for each in held], stops.stop_of(reason), Actor(FIRST, run),
            reason.message,
        )  # fmt: skip
    assert count == 1
    assert (await job_row(store, jobs[0]))["stopped"] is None
    assert (await job_row(store, jobs[1]))["stopped"] == Stop.QUOTA


async def test_a_claim_of_before_stops_nothing(store: Database) -> None:
    """A batch whose worker holds the job anew cannot stop it for the newer batch."""
    run, jobs = await taken_in(store, worker=None)
    late = await claim(store, jobs, lease_seconds=-1)
    await claim(store, jobs)
    async with store.service() as connection:
        count = await stops.stop_claimed(
            connection, [each.claim for each in late], Stop.QUOTA, Actor(FIRST, run), "No credit."
        )
    assert (count, (await job_row(store, jobs[0]))["stopped"]) == (0, None)


async def test_a_run_stops_only_what_is_its_own(store: Database) -> None:
    """A document that another run has goes on when the cap of this one is reached."""
    first, jobs = await taken_in(store)
    second, _ = await taken_in(store, worker=SECOND)
    async with store.service() as connection:
        for run, stopped in ((second, 0), (first, 1)):
            who = Actor(FIRST, run)
            assert await stops.stop_run(connection, Stop.COST_CAP, who, "The cap.") == stopped
    assert (await job_row(store, jobs[0]))["stopped"] == Stop.COST_CAP


async def test_a_sweep_leaves_what_is_worked_on_and_what_pauses(store: Database) -> None:
    """Neither a held job nor one whose pause after a trouble lasts is found; then both are."""
    _, [held, paused] = await taken_in(store, ["a.md", "b.md"], worker=None)
    await claim(store, [held])
    [troubled] = await claim(store, [paused], SECOND)
    async with store.service() as connection:
        trouble = ServiceUnavailable("The embedder is away.")
        await claims.note_trouble(connection, [troubled.claim], SECOND, trouble)
        await claims.release(connection, [troubled.claim], SECOND)
    assert await waiting(store) == []
    later = sa.text(
        f"UPDATE {SCHEMA}.upload_jobs SET lease_until = now() - interval '1 s', not_before = now()"
    )
    async with store.service() as connection:
        await connection.execute(later)
    assert sorted(await waiting(store)) == sorted([held, paused])


async def test_a_sweep_finds_what_a_dead_process_worked_on(store: Database) -> None:
    """Its leases have not run out, neither the job's nor the run's; a living one's are kept."""
    dead_run, [left] = await taken_in(store, ["a.md"], worker=DEAD)
    living_run, [worked_on] = await taken_in(store, ["b.md"])
    async with store.service() as connection:
        await claims.claim(connection, [left], VERSION, DEAD, LEASE, dead_run)
    async with store.service() as connection:
        await claims.claim(connection, [worked_on], VERSION, FIRST, LEASE, living_run)
    assert await waiting(store) == [left]


async def test_a_sweep_takes_at_once_what_a_run_left(store: Database) -> None:
    """Its documents need no time for a run that is on its way, as a fresh upload does."""
    _, [left] = await taken_in(store, ["a.md"], worker=DEAD)
    _, [upload] = await taken_in(store, ["b.md"], worker=None)
    orphan = sa.text(f"UPDATE {SCHEMA}.upload_jobs SET run_id = NULL WHERE id = :id")
    young = Selection(older_than_days=1)
    async with store.service() as connection:
        await connection.execute(orphan, {"id": upload})
        assert await backlog.waiting(connection, young) == {}
        found = await backlog.waiting(connection, replace(young, orphans_at_once=True))
    assert [job for jobs in found.values() for job in jobs] == [left]


async def test_dead_runs_are_found_once_they_are_dead(store: Database) -> None:
    """Silent or gone, but never finished: those whose end is to be written down."""
    await taken_in(store, ["a.md"])
    silent, _ = await taken_in(store, ["b.md"], seconds=-1)
    gone, _ = await taken_in(store, ["c.md"], worker=DEAD)
    await taken_in(store, ["d.md"], worker=None)
    async with store.service() as connection:
        found = {each.run_id for each in await dead_runs.dead_runs(connection)}
    assert found == {silent, gone}


async def test_jobs_of_other_versions_are_found_too(store: Database) -> None:
    """What was accepted under older settings is in the backlog, under the name of its version."""
    _, [new] = await taken_in(store, worker=None)
    older = PipelineVersion("local-1", "markdown-1:300/50", SPACE)
    run = await new_run(store)
    async with store.service() as connection:
        [old] = await registration.register(
            connection, ANNA, [source("old.md")], older, run_id=run, actor="person"
        )
        found = await backlog.waiting(connection, Selection())
        stored = await backlog.stored_sources(connection, [old.job_id, uuid4()])
        versions = await backlog.versions_of(connection, [new, old.job_id])
    assert found == {VERSION: [new], older: [old.job_id]}
    assert {user: [each.name for each in sources] for user, sources in stored.items()} == {
        ANNA: ["old.md"]
    }
    assert set(versions) == {VERSION, older}


async def test_renewing_leaves_to_others_what_is_theirs(store: Database) -> None:
    """What an older pipeline made is renewed, but not what a run owns or a person stopped."""
    today = PipelineVersion("local-2", VERSION.chunker, SPACE)
    await taken_in(store, ["free.md"], worker=None)
    await taken_in(store, ["owned.md"])
    stopped, _ = await taken_in(store, ["stopped.md"])
    async with store.service() as connection:
        await stops.stop_run(connection, Stop.PERSON, Actor(FIRST, stopped), "Stopped.")
        await runs.finish_run(connection, stopped, None)
        found = await candidates(connection, Wanted("outdated", today, {}), uuid4())
    assert [each.name for each in found] == ["free.md"]


async def test_a_run_that_is_held_again_is_open_again(store: Database) -> None:
    """A flow that begins anew after its worker stopped goes on with its run and its cap."""
    run, _ = await taken_in(store)
    async with store.service() as connection:
        await runs.finish_run(connection, run, "Its process ended.")
        await job_owners.acquire_run_lease(connection, run, SECOND, LEASE)
        [row] = await rows(connection, sa.select(ingest_runs).where(ingest_runs.c.id == run))
    assert (row["finished_at"], row["stopped"], row["held_by"]) == (None, None, SECOND)
