"""Deduplicates embeddings: a text is embedded once per space and owner, whoever asks first.

A row without an embedding is a reservation: its holder has the request in flight, everyone else
waits for the answer or for the lease to run out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.documents import embedding_text
from pipeline.store.bulk_copy import copy_vectors
from pipeline.store.chunk_buffer import CHUNKS_OF_JOBS
from pipeline.store.engine import rows
from pipeline.store.vector_owners import SHARED_OWNER, lenders, owner, owning
from pipeline.worker_identity import dead_workers


@dataclass(frozen=True, slots=True)
class PendingText:
    """A text to embed, and the job that pays for it; `shared`: its vector will be everybody's."""

    sha256: str
    job_id: UUID
    user_id: UUID
    text: str
    tokens: int
    shared: bool = False

    @property
    def owner_id(self) -> UUID:
        """Whose the vector is until it is published."""
        return SHARED_OWNER if self.shared else self.user_id


@dataclass(frozen=True, slots=True)
class Reservation:
    """Texts that a worker has reserved.

    Attributes:
        whole: they are all texts of the chunks: none is in work elsewhere, and none counts on a
            vector of another document, which may be deleted meanwhile.
    """

    texts: list[PendingText]
    whole: bool


# Texts of chunks, `lacking` where their owner has no vector in the space, neither published nor
# buffered; `{chunks}` is the FROM of the chunks.
_TEXTS = f"""
    SELECT DISTINCT ON (b.sha256, {owner("b")}) b.sha256, {owner("b")} AS owner_id, b.job_id,
           b.user_id, b.heading_path, b.context, b.text, b.tokens,
           v.there IS NULL AND w.there IS NULL AS lacking
    FROM {{chunks}}
    LEFT JOIN LATERAL (
        SELECT bool_or(true) AS there FROM chunk_vectors
        WHERE space_id = :space AND sha256 = b.sha256 AND user_id {lenders("b")}
    ) AS v ON true
    LEFT JOIN LATERAL (
        SELECT true AS there FROM document_vector_buffer
        WHERE space_id = :space AND sha256 = b.sha256 AND user_id = {owner("b")}
          AND embedding IS NOT NULL OFFSET 0
    ) AS w ON true
    {{only}}
    ORDER BY b.sha256, {owner("b")}, b.job_id
"""
_MISSING = _TEXTS.replace("{only}", "WHERE v.there IS NULL AND w.there IS NULL")
_HOLDERS = f"""
    SELECT DISTINCT w.claimed_by FROM {{chunks}}
    JOIN LATERAL (
        SELECT claimed_by FROM document_vector_buffer
        WHERE space_id = :space AND sha256 = b.sha256 AND user_id = {owner("b")}
          AND embedding IS NULL AND claimed_by IS NOT NULL OFFSET 0
    ) AS w ON true
"""
_RESERVE = f"""
    WITH texts AS MATERIALIZED ({_TEXTS.replace("{only}", "")}), reserved AS (
        INSERT INTO document_vector_buffer AS w
            (space_id, sha256, user_id, job_id, claimed_by, lease_until)
        SELECT :space, sha256, owner_id, job_id, :worker, now() + make_interval(secs => :lease)
        FROM texts WHERE lacking ORDER BY sha256, owner_id
        ON CONFLICT (space_id, sha256, user_id) DO UPDATE SET
            claimed_by = EXCLUDED.claimed_by, lease_until = EXCLUDED.lease_until,
            job_id = EXCLUDED.job_id
        WHERE w.embedding IS NULL AND (w.claimed_by IS NULL OR w.lease_until < now()
              OR w.claimed_by = ANY(:dead))
        RETURNING w.sha256, w.user_id AS owner_id
    )
    -- IS TRUE keeps this a hashed look-up: taken for one row each, they would be joined by loops
    SELECT *, (SELECT count(*) FROM texts) AS wanted FROM texts
    WHERE lacking AND ((sha256, owner_id) IN (SELECT sha256, owner_id FROM reserved)) IS TRUE
    ORDER BY job_id, sha256
"""


@dataclass(frozen=True, slots=True)
class ChunksToEmbed:
    """Which chunks are embedded, and the statements over them; `key` is their parameter."""

    key: str
    count: sa.TextClause
    holders: sa.TextClause
    reserve: sa.TextClause


def chunks_to_embed(key: str, chunks: str) -> ChunksToEmbed:
    """The statements over chunks `b`.

    Args:
        key: the parameter of `chunks`: a list of ids. chunks: SQL, the FROM of the chunks.
    """
    count = f"SELECT count(*) FROM ({_MISSING}) AS missing"
    count, holders, reserve = (
        each.replace("{chunks}", chunks) for each in (count, _HOLDERS, _RESERVE)
    )
    return ChunksToEmbed(key, sa.text(count), sa.text(holders), sa.text(reserve))


BUFFERED = chunks_to_embed("jobs", CHUNKS_OF_JOBS)
"""The buffered chunks of jobs."""


async def reserve(
    connection: AsyncConnection,
    ids: Sequence[UUID],
    space_id: UUID,
    worker: str,
    lease_seconds: float,
    *,
    shared: bool = False,
    chunks: ChunksToEmbed = BUFFERED,
) -> Reservation:
    """Reserve the missing texts of the chunks that nobody else is embedding, and return them.

    Where there is nothing to reserve, it is not whole.

    Args:
        ids: the jobs, or of what else `chunks` are.
        shared: everybody's vectors serve everybody; by default a user's own alone do.
    """
    values = {chunks.key: list(ids), "space": space_id, "worker": worker, "lease": lease_seconds}
    values |= owning(shared=shared)
    holders = (await connection.execute(chunks.holders, values)).scalars()
    found = await rows(connection, chunks.reserve, {**values, "dead": dead_workers(holders)})
    texts = [
        PendingText(
            row["sha256"],
            row["job_id"],
            row["user_id"],
            embedding_text(row["heading_path"], row["text"], row["context"]),
            row["tokens"],
            shared,
        )
        for row in found
    ]
    return Reservation(texts, bool(found) and found[0]["wanted"] == len(found))


async def count_missing(
    connection: AsyncConnection,
    ids: Sequence[UUID],
    space_id: UUID,
    *,
    shared: bool = False,
    chunks: ChunksToEmbed = BUFFERED,
) -> int:
    """How many texts of the chunks still have no vector, whoever is embedding them."""
    values = {chunks.key: list(ids), "space": space_id, **owning(shared=shared)}
    return int(await connection.scalar(chunks.count, values) or 0)


# Locked by hash and owner: see `lock_order`. An INSERT that conflicts finds its rows by key.
_PERSIST = sa.text(
    """
    WITH answered AS MATERIALIZED (
        SELECT sha256, user_id, job_id FROM document_vector_buffer
        WHERE space_id = :space AND sha256 = ANY(:shas) AND user_id = ANY(CAST(:owners AS uuid[]))
        ORDER BY sha256, user_id FOR NO KEY UPDATE
    )
    INSERT INTO document_vector_buffer AS w
        (space_id, sha256, user_id, job_id, embedding)
    SELECT :space, a.sha256, a.user_id, a.job_id, i.embedding
    FROM answered AS a JOIN incoming_vectors AS i USING (sha256, user_id)
    ON CONFLICT (space_id, sha256, user_id) DO UPDATE SET
        embedding = EXCLUDED.embedding, claimed_by = NULL, lease_until = NULL
    """
)


async def persist(
    connection: AsyncConnection,
    space_id: UUID,
    texts: Sequence[PendingText],
    vectors: np.ndarray,
) -> int:
    """Persist one response, and count the texts that have their vectors now.

    What was deleted while it was in flight is dropped, and not counted.
    """
    await stage(connection, texts, vectors)
    return await insert_staged(connection, space_id, texts)


async def stage(
    connection: AsyncConnection, texts: Sequence[PendingText], vectors: np.ndarray
) -> None:
    """Stage a response's vectors in the transaction (COPY), before anything of ours is locked."""
    shas, owners = [text.sha256 for text in texts], [text.owner_id for text in texts]
    await copy_vectors(connection, "incoming_vectors", shas, owners, vectors)


async def insert_staged(
    connection: AsyncConnection, space_id: UUID, texts: Sequence[PendingText]
) -> int:
    """Insert the staged vectors into the reservations of these texts; how many there were."""
    owners = list({text.owner_id for text in texts})
    values = {"space": space_id, "shas": [text.sha256 for text in texts], "owners": owners}
    return (await connection.execute(_PERSIST, values)).rowcount


_RELEASE = sa.text(
    """
    WITH mine AS (
        SELECT space_id, sha256, user_id FROM document_vector_buffer
        WHERE space_id = :space AND sha256 = ANY(:shas) AND embedding IS NULL
          AND claimed_by = :worker
          -- another batch of this worker may embed the same text for another user
          AND (sha256, user_id) IN
              (SELECT * FROM unnest(CAST(:shas AS text[]), CAST(:owners AS uuid[])))
        ORDER BY sha256, user_id FOR UPDATE
    )
    DELETE FROM document_vector_buffer AS w USING mine
    WHERE w.space_id = mine.space_id AND w.sha256 = mine.sha256 AND w.user_id = mine.user_id
    """
)
_RENEW = sa.text(
    """
    WITH mine AS (
        SELECT space_id, sha256, user_id FROM document_vector_buffer
        WHERE job_id = ANY(CAST(:jobs AS uuid[])) AND embedding IS NULL AND claimed_by = :worker
        ORDER BY sha256, user_id FOR NO KEY UPDATE
    )
    UPDATE document_vector_buffer AS w
    SET lease_until = now() + make_interval(secs => :lease)
    FROM mine
    WHERE w.space_id = mine.space_id AND w.sha256 = mine.sha256 AND w.user_id = mine.user_id
    """
)


async def release(
    connection: AsyncConnection, space_id: UUID, texts: Sequence[PendingText], worker: str
) -> None:
    """Release the reservations of these texts that got no answer."""
    shas, owners = [text.sha256 for text in texts], [text.owner_id for text in texts]
    values = {"space": space_id, "shas": shas, "owners": owners, "worker": worker}
    await connection.execute(_RELEASE, values)


async def renew(
    connection: AsyncConnection, job_ids: Sequence[UUID], worker: str, lease_seconds: float
) -> None:
    """Renew the reservations made for these jobs."""
    values = {"jobs": list(job_ids), "worker": worker, "lease": lease_seconds}
    await connection.execute(_RENEW, values)
