"""A worker of its own process that is frozen: claims a job, waits for a word, then moves the job.

Arguments: the database's URL, the job, and `inside` to wait in the middle of the transaction that
moves it. Says "waiting", then how it ended: the number of jobs moved, or the error's sentence.
"""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID

from pipeline.errors import TransientError
from pipeline.states import JobState
from pipeline.store import claims, engine
from pipeline.store.engine import Database
from pipeline.store.transitions import Actor, Move, move
from tests.pipeline.store.making import FIRST, VERSION

LEASE = 1.0


async def work(url: str, job: UUID, *, inside: bool) -> str:
    """How the work ended."""
    engine.LEAST_IDLE_SECONDS = LEASE  # type: ignore[attr-defined]  # the name that it reads
    database = Database(url, pool_size=1, idle_seconds=LEASE)
    async with database.service() as connection:
        [held] = await claims.claim(connection, [job], VERSION, FIRST, LEASE)
    step = Move(job, held.attempt, JobState.UPLOADED, JobState.PARSE_QUEUED)
    if not inside:
        wait()
    try:
        async with database.service() as connection:
            moved = await move(connection, [step], Actor(FIRST))
            if inside:
                wait()
    except TransientError as error:
        return error.message
    finally:
        await database.close()
    return str(len(moved))


def wait() -> None:
    """Say so, and wait for a word."""
    print("waiting", flush=True)  # noqa: T201
    sys.stdin.readline()


if __name__ == "__main__":
    where = sys.argv[3:] == ["inside"]
    print(asyncio.run(work(sys.argv[1], UUID(sys.argv[2]), inside=where)), flush=True)  # noqa: T201
