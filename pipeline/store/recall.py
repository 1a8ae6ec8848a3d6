"""Measures the recall of a vector index: how many of the nearest vectors a search finds.

No question of a user is kept for it. Stored vectors are drawn at random, moved a little, and asked
for as their own user would, by the search and by an exact scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import numpy as np
import sqlalchemy as sa
from pgvector import Vector
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import rankings
from pipeline.store.embedding_spaces import indexed_spaces, indexed_type
from pipeline.store.engine import Database, records, rows
from pipeline.store.search_filters import SearchFilter

TOP = 10
QUESTIONS = 20
LOW = 0.95
"""Below it a person is told."""

# So far from the stored vector, of length one, that it is not simply found itself.
_MOVED = 0.3
# Distances of single precision that are equal on paper differ by as much.
_EQUAL = 1e-6


@dataclass(frozen=True, slots=True)
class Recall:
    """What was measured of a space's index.

    Attributes:
        recall: the mean over the questions of the share of the ten nearest that was found.
        worst: the lowest share of a question.
    """

    space_id: UUID
    measured_at: datetime
    questions: int
    recall: float
    worst: float


_LATEST = sa.text(
    "SELECT space_id, measured_at, questions, recall, worst FROM vector_recall ORDER BY space_id"
)
_OVERDUE = sa.text(
    """
    SELECT NOT EXISTS (SELECT FROM vector_recall WHERE space_id = :space
                       AND measured_at > now() - make_interval(secs => :seconds))
    """
)
_KEEP = sa.text(
    """
    INSERT INTO vector_recall (space_id, measured_at, questions, recall, worst)
    VALUES (:space, now(), :questions, :recall, :worst)
    ON CONFLICT (space_id) DO UPDATE SET measured_at = excluded.measured_at,
        questions = excluded.questions, recall = excluded.recall, worst = excluded.worst
    """
)
# Ids are hashes, so the next one after a random id is a vector at random.
_DRAW = sa.text(
    """
    SELECT v.user_id, v.embedding::text AS vector
    FROM unnest(CAST(:places AS uuid[])) AS place(id)
    CROSS JOIN LATERAL (
        SELECT user_id, embedding FROM chunk_vectors
        WHERE space_id = :space AND chunk_id >= place.id ORDER BY chunk_id LIMIT 1
    ) AS v
    """
)


async def latest(connection: AsyncConnection) -> list[Recall]:
    """What was measured last of each space."""
    return await records(connection, Recall, _LATEST)


async def measure_all(database: Database, *, every_seconds: float) -> list[Recall]:
    """Measure the index of each space that has one, unless that was done lately; what was found."""
    measured = set()
    for space_id, dimension in await indexed_spaces(database):
        async with database.service() as connection:
            values = {"space": space_id, "seconds": every_seconds}
            overdue = bool(await connection.scalar(_OVERDUE, values))
        if overdue and await measure(database, space_id, dimension):
            measured.add(space_id)
    async with database.service() as connection:
        return [each for each in await latest(connection) if each.space_id in measured]


async def measure(
    database: Database, space_id: UUID, dimension: int, questions: int = QUESTIONS
) -> bool:
    """Measure a space's index and keep the figure; whether there was anything to ask for."""
    random = np.random.default_rng()
    async with database.service() as connection:
        places = [uuid4() for _ in range(questions)]
        drawn = await rows(connection, _DRAW, {"space": space_id, "places": places})
    shares = []
    for row in drawn:
        vector = _moved(Vector.from_text(row["vector"]).to_numpy(), random)
        shares.append(await _share_found(database, row["user_id"], space_id, vector))
    if not shares:
        return False
    values = {
        "space": space_id,
        "questions": len(shares),
        "recall": float(np.mean(shares)),
        "worst": float(min(shares)),
    }
    async with database.service() as connection:
        await connection.execute(_KEEP, values)
    return True


def _moved(vector: np.ndarray, random: np.random.Generator) -> np.ndarray:
    step = random.standard_normal(len(vector))
    moved = vector + _MOVED * np.linalg.norm(vector) * step / np.linalg.norm(step)
    asked: np.ndarray = moved.astype(np.float32)
    return asked


async def _share_found(database: Database, user: UUID, space_id: UUID, vector: np.ndarray) -> float:
    """The share of the nearest that a user's search finds; as near as the last of them counts."""
    async with database.reader(user) as connection:
        found = await rankings.rank_by_vector(connection, vector, space_id, SearchFilter(), TOP)
        exact = await _nearest_distances(connection, vector, space_id)
    if not exact:
        return 1.0
    near = sum(1 - each.score <= exact[-1] + _EQUAL for each in found)
    return min(near / len(exact), 1.0)


async def _nearest_distances(
    connection: AsyncConnection, vector: np.ndarray, space_id: UUID
) -> list[float]:
    # Added to zero, the distance is no order that the index could give.
    kind = indexed_type(len(vector))
    statement = sa.text(
        f"""
        SELECT (v.embedding::{kind} <=> CAST(:vector AS {kind})) + 0.0 AS distance
        FROM chunk_vectors AS v WHERE v.space_id = :space ORDER BY distance LIMIT :limit
        """
    )
    values = {"vector": Vector(vector).to_text(), "space": space_id, "limit": TOP}
    return [float(each) for each in (await connection.execute(statement, values)).scalars()]
