"""Times searches as a reader makes them, and compares their ten best with the exact ones."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import psutil
import sqlalchemy as sa
from pgvector import Vector
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.search_scale.loading import SPACE
from benchmarks.search_scale.passages import DIMENSION, Asked
from pipeline.store import rankings, word_scan
from pipeline.store.engine import Database, rows
from pipeline.store.rankings import SearchFilter
from pipeline.store.search import Query, SearchMode, search

TOP = 10


@dataclass(frozen=True, slots=True)
class Timed:
    """What a kind of search took, over all questions.

    Attributes:
        p50, p95: milliseconds.
        agreed: questions whose ten best are the exact ones; None: not asked.
    """

    name: str
    p50: float
    p95: float
    agreed: int | None = None
    of: int = 0


Find = Callable[[AsyncConnection, Asked], Awaitable[list[UUID]]]


async def by_words(connection: AsyncConnection, asked: Asked) -> list[UUID]:
    """The best by words, as our search finds them."""
    found = await rankings.rank_by_words(connection, asked.text, SearchFilter(), TOP)
    return [each.chunk_id for each in found]


async def by_vector(connection: AsyncConnection, asked: Asked) -> list[UUID]:
    """The nearest, as our search finds them."""
    scope = SearchFilter()
    found = await rankings.rank_by_vector(connection, asked.vector, SPACE, scope, TOP)
    return [each.chunk_id for each in found]


async def hybrid(connection: AsyncConnection, asked: Asked) -> list[UUID]:
    """Our whole search, with the passages' texts."""
    query = Query(
        asked.text, SearchMode.HYBRID, SPACE, DIMENSION, np.asarray(asked.vector), limit=TOP
    )
    return [each.chunk_id for each in await search(connection, query)]


async def exact_words(connection: AsyncConnection, asked: Asked) -> list[UUID]:
    """The best by a scan of all the reader's passages."""
    terms = await rankings._terms(connection, asked.text)
    lexemes = [term.lexeme for term in terms]
    values = word_scan.parameters(lexemes, [1.0] * len(lexemes))
    statement = sa.text(word_scan.bm25("true", range(len(lexemes))))
    return [row["id"] for row in await rows(connection, statement, {**values, "limit": TOP})]


_NO_INDEX = sa.text("SELECT set_config('enable_indexscan', 'off', true)")


async def exact_vectors(connection: AsyncConnection, asked: Asked) -> list[UUID]:
    """The nearest by comparing with all the reader's vectors."""
    values = {"vector": Vector(asked.vector).to_text(), "space": SPACE, "limit": TOP}
    await connection.execute(_NO_INDEX)
    statement = sa.text(
        f"""
        SELECT v.chunk_id FROM chunk_vectors AS v WHERE v.space_id = :space
        ORDER BY v.embedding::vector({DIMENSION}) <=> CAST(:vector AS vector({DIMENSION})),
            v.chunk_id LIMIT :limit
        """
    )
    return [row["chunk_id"] for row in await rows(connection, statement, values)]


async def time_searches(
    database: Database,
    name: str,
    find: Find,
    questions: Sequence[Asked],
    exact: Find | None = None,
    compared: int = 0,
) -> Timed:
    """Ask every question once, after a few for warming up; compare some of the answers."""
    for asked in questions[:5]:
        async with database.reader(asked.user) as connection:
            await find(connection, asked)
    taken: list[float] = []
    answers: list[list[UUID]] = []
    for asked in questions:
        started = time.perf_counter()
        async with database.reader(asked.user) as connection:
            answers.append(await find(connection, asked))
        taken.append(1000 * (time.perf_counter() - started))
    p50, p95 = np.percentile(taken, [50, 95])
    if exact is None:
        return Timed(name, float(p50), float(p95))
    agreed = 0
    for asked, answer in list(zip(questions, answers, strict=True))[:compared]:
        async with database.reader(asked.user) as connection:
            agreed += await exact(connection, asked) == answer
    return Timed(name, float(p50), float(p95), agreed, min(compared, len(questions)))


def memory() -> int:
    """Bytes that this process holds."""
    return int(psutil.Process().memory_info().rss)
