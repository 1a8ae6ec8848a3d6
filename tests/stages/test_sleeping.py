"""A worker stopped by SIGSTOP past its lease buys nothing that is another's when it wakes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from mocks import LlamaParseMock, OpenAIMock
from pipeline.identity import user_id
from pipeline.store import run_jobs, runs
from pipeline.store.transitions import Actor
from stages.services import Services
from tests.flows.corpus import Opener, policy, query, states
from tests.ingesting import work_off

ANNA = user_id("anna")
LEASE = 2
SECONDS = 60


@contextmanager
def sleeper(log: Path, path: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ingests a folder."""
    environment = {key: each for key, each in os.environ.items() if "NAVIGATOR" not in key}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.sleeping", str(path)],
            env=environment | settings, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.wait()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> dict[str, str]:
    """What the process and this one have in common, with a short lease."""
    return {
        "DATABASE_URL": database_url,
        "NAVIGATOR_HOME": str(tmp_path / "home"),
        "NAVIGATOR_CHUNK_TOKENS": "64",
        "NAVIGATOR_CHUNK_OVERLAP_TOKENS": "8",
        "NAVIGATOR_PARSE_WORKERS": "1",
        "NAVIGATOR_LEASE_SECONDS": str(LEASE),
    }


async def until(seen: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(SECONDS):
        while not seen():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.02)


async def past_leases(services: Services) -> list[UUID]:
    """The jobs, once the lease of each is over by the database's clock."""
    statement = """
        SELECT id, lease_until < now() AS over FROM upload_pipeline.upload_jobs ORDER BY id
    """
    async with asyncio.timeout(SECONDS):
        while True:
            found = await query(services, statement)
            if all(row["over"] for row in found):
                return [row["id"] for row in found]
            await asyncio.sleep(0.1)


async def take_over(services: Services, jobs: list[UUID]) -> None:
    """Finish the jobs in a run of our own, as a sweep would."""
    run = uuid4()
    async with services.database.service() as connection:
        await runs.start_run(connection, run, ANNA, "backfill")
        await run_jobs.join_run(connection, jobs, "waiting", Actor(services.worker, run))
    await work_off(services, jobs, run)


async def ended(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process has come to its end, without an error that is not ours."""
    assert await asyncio.to_thread(process.wait, SECONDS) == 0


@pytest.fixture
def embedding(openai: OpenAIMock, settings: dict[str, str]) -> dict[str, str]:
    """Two texts in a request, one request at a time, each long enough to stop in it."""
    openai.faults({"fault": {"kind": "latency", "seconds": 0.3}})
    return settings | {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": openai.base_url,
        "NAVIGATOR_EMBEDDER": "openai",
        "NAVIGATOR_EMBEDDING_BATCH_INPUTS": "2",
        "NAVIGATOR_EMBEDDING_CONCURRENCY": "1",
    }


@pytest.mark.long
async def test_texts_that_others_took_are_not_bought_after_waking(
    remote: Opener, openai: OpenAIMock, embedding: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    """Stopped in its second request, woken when all is published: nothing is sent any more."""
    for number in range(4):
        policy(folder, f"policy-{number}")
    log = tmp_path / "sleeper.log"
    async with remote(embedding_batch_inputs=64, lease_seconds=LEASE) as services:
        with sleeper(log, folder, **embedding) as process:
            await until(lambda: openai.stats()["requests"] >= 2)
            os.kill(process.pid, signal.SIGSTOP)
            await take_over(services, await past_leases(services))
            assert set((await states(services)).values()) == {"complete"}
            before = openai.stats()
            os.kill(process.pid, signal.SIGCONT)
            await ended(process)
        assert set((await states(services)).values()) == {"complete"}
    after = openai.stats()
    assert after["requests"] == before["requests"]
    assert after["repeated_inputs"] <= 2, "the request in flight, and no other"


async def test_a_worker_whose_work_nobody_took_goes_on_after_waking(
    remote: Opener, openai: OpenAIMock, embedding: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    """A machine that was suspended holds again what ran out: all is published, each text once."""
    for number in range(2):
        policy(folder, f"policy-{number}")
    log = tmp_path / "sleeper.log"
    async with remote(lease_seconds=LEASE) as services:
        with sleeper(log, folder, **embedding) as process:
            await until(lambda: openai.stats()["requests"] >= 2)
            os.kill(process.pid, signal.SIGSTOP)
            await past_leases(services)
            os.kill(process.pid, signal.SIGCONT)
            await ended(process)
        assert set((await states(services)).values()) == {"complete"}
    assert openai.stats()["repeated_inputs"] == 0


@pytest.mark.long
async def test_a_file_that_others_had_parsed_is_not_submitted_after_waking(
    paying: Opener,
    llamaparse: LlamaParseMock,
    settings: dict[str, str],
    folder: Path,
    tmp_path: Path,
) -> None:
    """Stopped while its upload is under way: the job that costs money is not asked for."""
    policy(folder, "home")
    slow = {"kind": "latency", "seconds": 1}
    upload = {"method": "POST", "path": "/api/v1/beta/files"}
    llamaparse.faults({"match": upload, "fault": slow, "times": 1})
    log = tmp_path / "sleeper.log"
    parsing = settings | {
        "NAVIGATOR_PARSER": "llamaparse",
        "NAVIGATOR_EMBEDDER": "wordllama",
        "LLAMA_CLOUD_API_KEY": "llx-test",
        "LLAMA_CLOUD_BASE_URL": llamaparse.base_url,
    }
    async with paying(lease_seconds=LEASE) as services:
        with sleeper(log, folder, **parsing) as process:
            await until(lambda: llamaparse.stats()["uploads"] >= 1)
            os.kill(process.pid, signal.SIGSTOP)
            await take_over(services, await past_leases(services))
            assert await states(services) == {"home.md": "complete"}
            before = llamaparse.stats()
            os.kill(process.pid, signal.SIGCONT)
            await ended(process)
    after = llamaparse.stats()
    assert before["jobs"] == after["jobs"] == 1
    assert after["routes"] == before["routes"]
