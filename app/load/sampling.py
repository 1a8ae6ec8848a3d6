"""Watches an installation while a load is on it: queue, connections, services, the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from app.load.services import Usage, pids, usages
from pipeline.errors import DatabaseUnavailable
from pipeline.store import metrics
from pipeline.store.engine import Database
from pipeline.store.load_figures import Connections, connections

EVERY_SECONDS = 1.0
OWN = "load"
"""What this very process takes, which sends the load."""


@dataclass(frozen=True, slots=True)
class Look:
    """How everything stood at one moment.

    Attributes:
        at: of the monotonic clock.
        waiting, held: jobs without and with a worker.
        oldest: seconds since the job that waits longest was last touched.
        busy: processor seconds of the whole machine, whoever took them.
    """

    at: float
    waiting: int
    held: int
    oldest: float
    connections: Connections
    services: Mapping[str, Usage]
    busy: float


@dataclass
class Watch:
    """What was seen, oldest first; and how often the database could not be asked."""

    looks: list[Look] = field(default_factory=list)
    missed: int = 0

    @property
    def seconds(self) -> float:
        """From the first look to the last."""
        return self.looks[-1].at - self.looks[0].at if self.looks else 0.0

    def cores(self) -> dict[str, float]:
        """Processors that each service kept busy on average, this process too."""
        if not self.looks:
            return {}
        first, last = self.looks[0].services, self.looks[-1].services
        both = [name for name in last if name in first]
        return {n: self._share(first[n].processor, last[n].processor) for n in both}

    def machine(self) -> float:
        """Processors of the machine that were busy on average, whoever kept them so."""
        return self._share(self.looks[0].busy, self.looks[-1].busy) if self.looks else 0.0

    def memory(self) -> dict[str, int]:
        """The most bytes of each service."""
        seen: dict[str, int] = {}
        for look in self.looks:
            for name, usage in look.services.items():
                seen[name] = max(seen.get(name, 0), usage.memory)
        return seen

    def _share(self, first: float, last: float) -> float:
        return max(0.0, last - first) / self.seconds if self.seconds else 0.0


@asynccontextmanager
async def watching(database: Database, home: Path) -> AsyncIterator[Watch]:
    """Look every second while the block runs, and at its beginning and end."""
    watch, services = Watch(), pids(home)
    await _look(watch, database, services)
    task = asyncio.create_task(_look_often(watch, database, services))
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await _look(watch, database, services)


async def _look_often(watch: Watch, database: Database, services: Mapping[str, int]) -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        await _look(watch, database, services)


async def _look(watch: Watch, database: Database, services: Mapping[str, int]) -> None:
    try:
        async with database.service() as connection:
            queue = await metrics.queue(connection)
        async with database.login() as connection:
            found = await connections(connection)
    except DatabaseUnavailable:
        watch.missed += 1
        return
    taken = await asyncio.to_thread(usages, services)
    look = Look(
        at=time.monotonic(), waiting=queue["waiting"], held=queue["held"],
        oldest=float(queue["oldest"]), connections=found, services=taken | {OWN: _own()},
        busy=_busy(),
    )  # fmt: skip
    watch.looks.append(look)


def _own() -> Usage:
    process = psutil.Process()
    times = process.cpu_times()
    return Usage(times.user + times.system, process.memory_info().rss)


def _busy() -> float:
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    return sum(times) - idle - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)


def largest(numbers: Sequence[float]) -> float:
    """The largest, 0 of none."""
    return max(numbers, default=0.0)
