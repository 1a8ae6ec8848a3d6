"""A frozen worker holds nobody up, and what it does after its lease is refused."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest

from pipeline.states import JobState
from pipeline.store.engine import Database
from tests.pipeline.store.making import SECOND, claim, job_row, register, source, step

SECONDS = 60


@pytest.mark.parametrize(
    ("where", "end"),
    [
        ("outside", "0"),
        (
            "inside",
            "Postgres ended a transaction in which this process had been silent for too long.",
        ),
    ],
    ids=["outside", "inside"],
)
async def test_a_frozen_worker_loses_its_job(
    where: str, end: str, store: Database, store_url: str
) -> None:
    """Stopped with a claim, or with locks too: another takes its job, and awake it writes nothing.

    Inside a transaction Postgres ends it, and that is told in a sentence as a transient error.
    """
    [registered] = await register(store, [source("policy")])
    job = registered.job_id
    with subprocess.Popen(  # noqa: ASYNC220 (a process that is stopped and goes on)
        [sys.executable, "-m", "tests.pipeline.store.freezing_process", store_url, str(job), where],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as worker:  # fmt: skip
        assert worker.stdin is not None and worker.stdout is not None
        try:
            assert await asyncio.to_thread(worker.stdout.readline) == "waiting\n"
            worker.send_signal(signal.SIGSTOP)
            async with asyncio.timeout(SECONDS):
                while not (taken := await claim(store, [job], SECOND)):  # noqa: ASYNC110 (a lease)
                    await asyncio.sleep(0.1)
            assert await step(store, taken[0], JobState.UPLOADED, JobState.PARSE_QUEUED, SECOND)
            worker.send_signal(signal.SIGCONT)
            worker.stdin.write("go on\n")
            worker.stdin.flush()
            assert (await asyncio.to_thread(worker.stdout.readline)).strip() == end
        finally:  # also one that is still frozen
            worker.kill()
    row = await job_row(store, job)
    assert (row["claimed_by"], row["attempt"], row["state"]) == (SECOND, 2, "parse_queued")
