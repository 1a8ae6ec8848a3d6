"""Changing states on the real database: every pair, fenced, in one transaction with its audit."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from pipeline.errors import IllegalTransition, ParseCode, ParseError
from pipeline.states import ENDED, FAILED, RETRY_STATE, WORKING, JobState, may
from pipeline.store.engine import Database
from pipeline.store.lock_order import lock_documents
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor, Move, move
from tests.pipeline.store.making import (
    FIRST,
    SECOND,
    SPACE,
    TO_VALIDATED,
    claim,
    job_row,
    passages,
    register,
    source,
    step,
    store_chunks,
    table,
)

PAIRS = list(itertools.product(JobState, JobState))
LEGAL = [pair for pair in PAIRS if may(*pair)]
ILLEGAL = [pair for pair in PAIRS if not may(*pair) and pair[0] != pair[1]]

_INSERT = sa.text(
    f"""
    INSERT INTO {SCHEMA}.upload_jobs (id, document_id, user_id, version, correlation_id,
        file_sha256, file_bytes, storage_key, parser, chunker, space_id, state, claimed_by, attempt)
    SELECT :id, id, user_id, 1, gen_random_uuid(), 'sha', 1, 'key', 'p', 'c', :space, :state,
           :worker, 3
    FROM {SCHEMA}.documents LIMIT 1
    """
)


async def jobs_at(database: Database, states: Iterable[JobState]) -> list[UUID]:
    """A job at each of the states, held by the first worker at attempt 3."""
    [registered] = await register(database, [source("a.md")])
    made = {uuid4(): state for state in states}
    values = [
        {"id": job, "state": state.value, "space": SPACE, "worker": FIRST}
        for job, state in made.items()
    ]
    async with database.service() as connection:
        await lock_documents(connection, [registered.document_id])
        await connection.execute(_INSERT, values)
    return list(made)


async def test_every_legal_step_is_made(store: Database) -> None:
    """Each pair of the transition table moves a real job and writes one event for it."""
    ids = await jobs_at(store, [start for start, _ in LEGAL])
    moves = [Move(job, 3, start, target) for job, (start, target) in zip(ids, LEGAL, strict=True)]
    async with store.service() as connection:
        assert await move(connection, moves, Actor(FIRST)) == set(ids)
    states = {row["id"]: row["state"] for row in await table(store, "upload_jobs")}
    events = {
        row["job_id"]: (row["from_state"], row["to_state"])
        for row in await table(store, "job_events")
        if row["event"] == "moved"
    }
    for job, (start, target) in zip(ids, LEGAL, strict=True):
        assert states[job] == target
        assert events[job] == (start, target)


@pytest.mark.parametrize("through", ["move", "raw update"])
async def test_every_illegal_step_is_refused(store: Database, through: str) -> None:
    """No other pair can be written: not by `move`, and not by an UPDATE that goes around it."""
    ids = await jobs_at(store, [start for start, _ in ILLEGAL])
    update = sa.text(f"UPDATE {SCHEMA}.upload_jobs SET state = :state WHERE id = :id")
    async with store.service() as connection:
        for job, (start, target) in zip(ids, ILLEGAL, strict=True):
            if through == "move":
                with pytest.raises(IllegalTransition):
                    await move(connection, [Move(job, 3, start, target)], Actor(FIRST))
            else:
                with pytest.raises(sa.exc.IntegrityError, match="a job cannot go from"):
                    async with connection.begin_nested():
                        await connection.execute(update, {"state": target.value, "id": job})
    states = {row["id"]: row["state"] for row in await table(store, "upload_jobs")}
    assert [states[job] for job in ids] == [start for start, _ in ILLEGAL]
    assert {row["event"] for row in await table(store, "job_events")} == {"registered"}


async def test_one_illegal_step_keeps_its_whole_group_from_being_written(store: Database) -> None:
    """A group with an illegal member raises before anything is written."""
    good, bad = await jobs_at(store, [JobState.UPLOADED, JobState.UPLOADED])
    moves = [
        Move(good, 3, JobState.UPLOADED, JobState.PARSE_QUEUED),
        Move(bad, 3, JobState.UPLOADED, JobState.COMPLETE),
    ]
    async with store.service() as connection:
        with pytest.raises(IllegalTransition, match="uploaded to complete"):
            await move(connection, moves, Actor(FIRST))
    assert (await job_row(store, good))["state"] == JobState.UPLOADED


async def test_effect_state_and_event_are_one_transaction(store: Database) -> None:
    """When the transaction of a stage fails, its chunks, its state and its event are all undone."""
    [registered] = await register(store, [source("a.md")])
    [job] = await claim(store, [registered.job_id])
    for start, target in TO_VALIDATED:
        assert await step(store, job, start, target)
    before = await table(store, "job_events")

    from pipeline.store import chunk_buffer

    with pytest.raises(ZeroDivisionError):
        async with store.service() as connection:
            made = Move(job.job_id, job.attempt, WORKING[3], WORKING[4])
            assert await move(connection, [made], Actor(FIRST))
            await chunk_buffer.store(connection, [(job, passages("one", "two"))])
            raise ZeroDivisionError
    assert (await job_row(store, job.job_id))["state"] == JobState.PARSE_VALIDATED
    assert await table(store, "document_chunk_buffer") == []
    assert await table(store, "job_events") == before


@pytest.mark.parametrize(
    ("attempt", "worker", "start"),
    [
        (2, FIRST, JobState.PARSED),
        (4, FIRST, JobState.PARSED),
        (3, SECOND, JobState.PARSED),
        (3, FIRST, JobState.PARSE_QUEUED),
    ],
    ids=["older attempt", "newer attempt", "another worker", "another state"],
)
async def test_only_the_holder_at_the_named_state_moves_a_job(
    store: Database, attempt: int, worker: str, start: JobState
) -> None:
    """A move from a wrong attempt, worker or state changes nothing and names no job as moved."""
    [job] = await jobs_at(store, [JobState.PARSED])
    target = next(state for state in WORKING if may(start, state))
    async with store.service() as connection:
        assert await move(connection, [Move(job, attempt, start, target)], Actor(worker)) == set()
    assert (await job_row(store, job))["state"] == JobState.PARSED


async def test_a_late_chunk_stage_writes_neither_state_nor_chunks(store: Database) -> None:
    """A worker whose job was taken over leaves no chunk behind."""
    [registered] = await register(store, [source("a.md")])
    [late] = await claim(store, [registered.job_id], lease_seconds=-1)
    for start, target in TO_VALIDATED:
        assert await step(store, late, start, target)
    [now] = await claim(store, [registered.job_id], SECOND)
    assert not await store_chunks(store, late, passages("late"))
    assert await table(store, "document_chunk_buffer") == []
    assert await store_chunks(store, now, passages("in time"), SECOND)
    assert [row["text"] for row in await table(store, "document_chunk_buffer")] == ["in time"]


async def test_a_failure_keeps_its_reason_and_releases_the_job(store: Database) -> None:
    """A failed job holds where it failed, why and what to do, counts it, and is nobody's."""
    [job] = await jobs_at(store, [JobState.PARSE_QUEUED])
    error = ParseError(ParseCode.ENCRYPTED, "The file asks for a password.")
    made = Move(
        job,
        3,
        JobState.PARSE_QUEUED,
        JobState.FAILED_PARSE,
        error=error,
        details={"stage": "parse"},
    )
    async with store.service() as connection:
        await move(connection, [made], Actor(FIRST))
    row = await job_row(store, job)
    assert (row["failed_from"], row["error_class"], row["error_code"]) == (
        "parse_queued",
        "ParseError",
        "file_is_encrypted",
    )
    assert row["error_message"] == "The file asks for a password."
    assert row["error_remedy"] == error.remedy
    assert (row["failures"], row["claimed_by"], row["lease_until"]) == (1, None, None)
    assert row["finished_at"] is not None
    event = next(each for each in await table(store, "job_events") if each["job_id"] == job)
    assert event["event"] == "failed"
    assert event["details"] == {
        "stage": "parse",
        "code": "file_is_encrypted",
        "why": "The file asks for a password.",
    }


@pytest.mark.parametrize("failed", FAILED)
async def test_a_retry_clears_the_reason_and_keeps_the_count(
    store: Database, failed: JobState
) -> None:
    """A person's retry goes back to the last good state without an attempt being named."""
    [job] = await jobs_at(store, [failed])
    await _set(store, job, "error_code = 'x', failed_from = 'parsed', failures = 2")
    async with store.service() as connection:
        made = Move(job, None, failed, RETRY_STATE[failed])
        assert await move(connection, [made], Actor("person")) == {job}
    row = await job_row(store, job)
    assert row["state"] == RETRY_STATE[failed]
    assert (row["error_code"], row["failed_from"], row["finished_at"]) == (None, None, None)
    assert row["failures"] == 2


async def test_completing_resets_failures_and_holder(store: Database) -> None:
    """A complete job has no failures, no reason, no holder and the time at which it finished."""
    [job] = await jobs_at(store, [JobState.EMBEDDINGS_STORED])
    await _set(store, job, "failures = 4, error_code = 'x', not_before = now()")
    async with store.service() as connection:
        made = Move(job, 3, JobState.EMBEDDINGS_STORED, JobState.COMPLETE)
        await move(connection, [made], Actor(FIRST))
    row = await job_row(store, job)
    assert (row["failures"], row["error_code"], row["claimed_by"]) == (0, None, None)
    assert row["not_before"] is None
    assert row["finished_at"] is not None


@pytest.mark.parametrize("ended", ENDED)
async def test_an_ended_job_is_never_claimed(store: Database, ended: JobState) -> None:
    """No worker is given a job that ended, even when nobody holds it."""
    [job] = await jobs_at(store, [ended])
    await _set(store, job, "claimed_by = NULL, parser = 'local-1', chunker = 'markdown-1:400/50'")
    assert await claim(store, [job]) == []


async def test_facts_of_a_stage_are_kept_and_added_to(store: Database) -> None:
    """What stages find out stays on the job, and their times add up to one object."""
    [job] = await jobs_at(store, [JobState.PARSE_QUEUED])
    parsed = {"pages": 3, "characters": 900, "stage": "parse", "seconds": 0.25}
    valid = {"stage": "validate", "seconds": 0.5}
    async with store.service() as connection:
        for start, target, facts in [
            (JobState.PARSE_QUEUED, JobState.PARSED, parsed),
            (JobState.PARSED, JobState.PARSE_VALIDATED, valid),
        ]:
            await move(connection, [Move(job, 3, start, target, facts=facts)], Actor(FIRST))
    row = await job_row(store, job)
    assert (row["pages"], row["characters"]) == (3, 900)
    assert row["stage_seconds"] == {"parse": 0.25, "validate": 0.5}


async def _set(database: Database, job: UUID, assignments: str) -> None:
    statement = sa.text(f"UPDATE {SCHEMA}.upload_jobs SET {assignments} WHERE id = :id")
    async with database.service() as connection:
        await connection.execute(statement, {"id": job})
