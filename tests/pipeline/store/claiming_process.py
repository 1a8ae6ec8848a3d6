"""A worker in a process of its own: claims jobs one by one and holds them until it is killed.

    python -m tests.pipeline.store.claiming_process URL JOB…

Prints ``ready``, waits for a line, prints the jobs that it got, then ``done``.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from uuid import UUID

from pipeline.store.engine import Database
from pipeline.worker_identity import worker_name
from tests.pipeline.store.making import claim


async def _claim_all(url: str, jobs: list[UUID]) -> None:
    database = Database(url)
    random.shuffle(jobs)
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    for job in jobs:
        for got in await claim(database, [job], worker_name(), lease_seconds=3600):
            print(got.job_id, flush=True)  # noqa: T201
    await database.close()
    print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(_claim_all(sys.argv[1], [UUID(each) for each in sys.argv[2:]]))
    time.sleep(120)
