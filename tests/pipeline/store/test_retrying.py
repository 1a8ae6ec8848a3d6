"""Retrying on the real database: whose jobs a person can send back."""

from __future__ import annotations

from pipeline.errors import ParseCode, ParseError
from pipeline.states import JobState
from pipeline.store.engine import Database
from pipeline.store.retrying import retry_jobs
from pipeline.store.transitions import Actor, Move, move
from tests.pipeline.store.making import ANNA, BEN, FIRST, claim, job_row, register, source

PERSON = Actor("person")


async def test_only_its_user_sends_a_job_back(store: Database) -> None:
    """Another user's retry finds nothing to do; its own user's sends it back to the beginning."""
    [found] = await register(store, [source("a.md")])
    [job] = await claim(store, [found.job_id])
    error = ParseError(ParseCode.BROKEN, "The file is broken.")
    failed = Move(job.job_id, job.attempt, JobState.UPLOADED, JobState.FAILED_PARSE, error=error)
    async with store.service() as connection:
        assert await move(connection, [failed], Actor(FIRST)) == {job.job_id}
        assert await retry_jobs(connection, [job.job_id], PERSON, BEN) == set()
    assert (await job_row(store, job.job_id))["state"] == JobState.FAILED_PARSE
    async with store.service() as connection:
        assert await retry_jobs(connection, [job.job_id], PERSON, ANNA) == {job.job_id}
    assert (await job_row(store, job.job_id))["state"] == JobState.UPLOADED
