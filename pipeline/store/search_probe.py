"""Times searches for stored vectors, drawn at random and asked for as their own user would.

No question of a user is kept for it, and nothing is sent to any embedder.
"""

from __future__ import annotations

import time
from uuid import UUID, uuid4

import sqlalchemy as sa
from pgvector import Vector

from pipeline.store import rankings
from pipeline.store.engine import Database, rows
from pipeline.store.search_filters import SearchFilter

TOP = 10
SEARCHES = 3

# Ids are hashes, so the next one after a random id is a vector at random.
_DRAW = sa.text(
    """
    SELECT user_id, embedding::text AS vector FROM chunk_vectors
    WHERE space_id = :space AND chunk_id >= :place ORDER BY chunk_id LIMIT 1
    """
)


async def search_seconds(
    database: Database, space_id: UUID, searches: int = SEARCHES
) -> float | None:
    """The median time of some searches by vector in a space; None of an empty one."""
    times = []
    for _ in range(searches):
        async with database.service() as connection:
            drawn = await rows(connection, _DRAW, {"space": space_id, "place": uuid4()})
        if not drawn:
            continue
        vector = Vector.from_text(drawn[0]["vector"]).to_numpy()
        async with database.reader(drawn[0]["user_id"]) as connection:
            began = time.perf_counter()
            await rankings.rank_by_vector(connection, vector, space_id, SearchFilter(), TOP)
            times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2] if times else None
