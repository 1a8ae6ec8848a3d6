"""Reads what came of the canary corpus, and keeps two verifications of one database apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.identity import API_CANARIES, CANARY, OPERATOR, STRANGER, named_user
from pipeline.store.engine import records
from pipeline.store.job_owners import dead_holders

RUN = uuid5(CANARY, "run")
"""The run that every canary belongs to; its row is there only during a verification."""

USERS = (CANARY, STRANGER, *map(named_user, API_CANARIES))
"""Whose documents are no real ones: made to verify an environment."""

# One statement: of two that come at once, the second finds the first one's row.
_TAKE = sa.text(
    """
    INSERT INTO ingest_runs AS r (id, user_id, kind, max_cost_usd, held_by, held_until)
    VALUES (:run, :operator, 'verification', :max_cost_usd, :worker,
            now() + make_interval(secs => :lease))
    ON CONFLICT (id) DO UPDATE SET held_by = :worker, finished_at = NULL, stopped = NULL,
        held_until = now() + make_interval(secs => :lease), started_at = now(),
        max_cost_usd = :max_cost_usd, cost_usd = 0, reserved_usd = 0
    WHERE r.held_by IS NULL OR r.held_until < now() OR r.finished_at IS NOT NULL
       OR r.held_by = ANY(CAST(:dead AS text[]))
    RETURNING id
    """
)
_LEAVE = sa.text(
    "DELETE FROM ingest_runs WHERE id = :run AND (held_by = :worker OR held_by IS NULL)"
)


async def take(
    connection: AsyncConnection, worker: str, lease_seconds: float, max_cost_usd: Decimal | None
) -> bool:
    """Take the canary corpus for this process; False while another living one has it."""
    values = {
        "run": RUN,
        "operator": OPERATOR,
        "worker": worker,
        "lease": lease_seconds,
        "max_cost_usd": max_cost_usd,
        "dead": await dead_holders(connection),
    }
    return (await connection.execute(_TAKE, values)).first() is not None


async def leave(connection: AsyncConnection, worker: str) -> None:
    """Remove the run, unless another process has taken it meanwhile."""
    await connection.execute(_LEAVE, {"run": RUN, "worker": worker})


@dataclass(frozen=True, slots=True)
class Mark:
    """What was there before: the newest event and call of the ledger, by the database's clock."""

    event: int
    call: int
    at: datetime


_MARK = sa.text(
    """
    SELECT coalesce((SELECT max(id) FROM job_events), 0) AS event,
           coalesce((SELECT max(id) FROM service_calls), 0) AS call, clock_timestamp() AS at
    """
)


async def mark(connection: AsyncConnection) -> Mark:
    """A point in the audit and the ledger, to read on from."""
    return (await records(connection, Mark, _MARK))[0]


@dataclass(frozen=True, slots=True)
class CanaryRow:
    """Where a canary stands, as its newest job says."""

    document_id: UUID
    source: str
    state: str
    error_code: str | None
    error_message: str | None
    parsed_key: str | None
    media_type: str | None
    pages: int | None
    characters: int | None
    tokens: int | None
    language: str
    notes: list[dict[str, Any]]
    cost_usd: Decimal


_DOCUMENTS = sa.text(
    """
    SELECT d.id AS document_id, d.source, j.state, j.error_code, j.error_message, j.parsed_key,
           j.media_type, j.pages, j.characters, j.tokens, j.language, j.notes, j.cost_usd
    FROM documents AS d JOIN upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.user_id = :user AND d.deleted_at IS NULL ORDER BY d.source COLLATE "C"
    """
)


async def documents(connection: AsyncConnection) -> list[CanaryRow]:
    """Every canary, with what is inside them, by source."""
    return await records(connection, CanaryRow, _DOCUMENTS, {"user": CANARY})


@dataclass(frozen=True, slots=True)
class CanaryChunk:
    """A published passage: its document, its id and the hash of its text."""

    document_id: UUID
    id: UUID
    sha256: str


_CHUNKS = sa.text(
    """
    SELECT document_id, id, sha256 FROM document_chunks
    WHERE user_id = :user ORDER BY document_id, ordinal
    """
)


async def chunks(connection: AsyncConnection) -> list[CanaryChunk]:
    """Every published passage of the corpus, in its document's order."""
    return await records(connection, CanaryChunk, _CHUNKS, {"user": CANARY})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one canary.

    Attributes:
        inside: the document was found inside another one, and came later.
    """

    at: datetime
    to_state: str
    actor: str
    release: str | None
    inside: bool


_STEPS = sa.text(
    """
    SELECT e.at, e.to_state, e.actor, e.details ->> 'release' AS release,
           d.parent_id IS NOT NULL AS inside
    FROM job_events AS e JOIN documents AS d ON d.id = e.document_id
    WHERE e.user_id = :user AND e.id > :mark AND e.to_state IS NOT NULL
      AND e.from_state IS NOT NULL
    ORDER BY e.at
    """
)


async def steps(connection: AsyncConnection, since: Mark) -> list[Step]:
    """The steps from state to state of all canaries since then."""
    return await records(connection, Step, _STEPS, {"user": CANARY, "mark": since.event})


_SPENT = sa.text(
    """
    SELECT coalesce(sum(cost_usd), 0) FROM service_calls
    WHERE id > :mark AND (run_id = :run OR user_id = ANY(CAST(:users AS uuid[])))
    """
)


async def spent(connection: AsyncConnection, since: Mark) -> Decimal:
    """What the corpus has cost since then, by the ledger."""
    values = {"mark": since.call, "run": RUN, "users": list(USERS)}
    return Decimal(await connection.scalar(_SPENT, values) or 0)
