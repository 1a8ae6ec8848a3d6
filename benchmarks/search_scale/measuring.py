"""Times searches as a reader makes them, and compares their ten best with the exact ones.

Beside the time to wait stands the processor's: of this process and of the Postgres behind it. It is
what can be compared on a machine that does other work too. Parallel workers of Postgres that have
ended are not in it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
import psutil
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.search_scale.loading import SPACE
from benchmarks.search_scale.passages import DIMENSION, Asked
from pipeline.store import rankings
from pipeline.store.engine import Database
from pipeline.store.narrowing import narrowed
from pipeline.store.rankings import SearchFilter
from pipeline.store.search import Query, SearchMode, search

TOP = 10


@dataclass(frozen=True, slots=True)
class Timed:
    """What a kind of search took, over all questions.

    Attributes:
        waited: p50 and p95 of the time to wait, milliseconds. processor: of processor time.
        agreed: questions whose ten best are the exact ones; None: not compared.
    """

    name: str
    waited: tuple[float, float]
    processor: tuple[float, float]
    agreed: int | None = None
    of: int = 0


Find = Callable[[AsyncConnection, Asked], Awaitable[list[UUID]]]
_EVERYTHING = SearchFilter()


async def by_words(
    connection: AsyncConnection, asked: Asked, scope: SearchFilter = _EVERYTHING
) -> list[UUID]:
    """The best by words, as our search finds them."""
    narrow = await narrowed(connection, scope)
    if narrow is None:
        return []
    found = await rankings.rank_by_words(connection, asked.text, narrow, TOP)
    return [each.chunk_id for each in found]


async def by_words_in_a_role(connection: AsyncConnection, asked: Asked) -> list[UUID]:
    """The best by words among the tenth of the passages that are limits."""
    return await by_words(connection, asked, SearchFilter(roles=("limit",)))


async def by_words_with_a_tag(connection: AsyncConnection, asked: Asked) -> list[UUID]:
    """The best by words in the twentieth of the documents that has a tag."""
    return await by_words(connection, asked, SearchFilter(tags=("auto",)))


async def by_vector(connection: AsyncConnection, asked: Asked) -> list[UUID]:
    """The nearest, as our search finds them."""
    found = await rankings.rank_by_vector(connection, asked.vector, SPACE, _EVERYTHING, TOP)
    return [each.chunk_id for each in found]


async def hybrid(connection: AsyncConnection, asked: Asked) -> list[UUID]:
    """Our whole search, with the passages' texts."""
    query = Query(
        asked.text, SearchMode.HYBRID, SPACE, DIMENSION, np.asarray(asked.vector), limit=TOP
    )
    return [each.chunk_id for each in await search(connection, query)]


class ProcessorTime:
    """Reads the processor seconds of this process and of a Postgres."""

    def __init__(self, data: Path) -> None:
        self._server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        self._backends: list[int] = []
        self.look()

    def look(self) -> None:
        """See which processes Postgres has now."""
        self._backends = [each.pid for each in self._server.children()]

    def seconds(self) -> float:
        """Since whenever: only differences mean something."""
        return time.process_time() + sum(map(_on_processor, self._backends))


def _on_processor(process: int) -> float:
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
    except OSError:  # it has ended, or this is no Linux
        return 0.0


async def time_searches(
    database: Database,
    processor: ProcessorTime,
    name: str,
    find: Find,
    questions: Sequence[Asked],
    exact: Sequence[Sequence[str]] | None = None,
) -> Timed:
    """Ask every question once, after a few for warming up.

    Args:
        exact: for each question the ids of the exact ten best, to compare with.
    """
    for asked in questions[:5]:
        async with database.reader(asked.user) as connection:
            await find(connection, asked)
    processor.look()
    taken: list[tuple[float, float]] = []
    agreed = 0
    for number, asked in enumerate(questions):
        started, busy = time.perf_counter(), processor.seconds()
        async with database.reader(asked.user) as connection:
            answer = await find(connection, asked)
        taken.append((time.perf_counter() - started, processor.seconds() - busy))
        agreed += exact is not None and {each.hex for each in answer} == set(exact[number])
    return timed(name, taken, None if exact is None else agreed)


def timed(name: str, taken: Sequence[tuple[float, float]], agreed: int | None) -> Timed:
    """A row of the table, of seconds waited and on the processor."""
    (w50, p50), (w95, p95) = 1000 * np.percentile(taken, [50, 95], axis=0)
    return Timed(name, (float(w50), float(w95)), (float(p50), float(p95)), agreed, len(taken))


def memory() -> int:
    """Bytes that this process holds."""
    return int(psutil.Process().memory_info().rss)
