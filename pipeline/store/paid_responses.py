"""Stores a paid response (vectors, bill, ledger) in one transaction of its own.

Nothing else belongs into it, so that nothing else can undo it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import DatabaseUnavailable
from pipeline.store import cost_caps, recipe_vectors, service_calls, space_vectors, vector_buffer
from pipeline.store.cost_caps import Reservation
from pipeline.store.lock_order import lock_documents
from pipeline.store.service_calls import ServiceCall
from pipeline.store.vector_buffer import PendingText

Share = tuple[UUID, int, Decimal]
"""A job, and the tokens and dollars of a request that it pays for."""


@dataclass(frozen=True, slots=True)
class PaidResponse:
    """One response that was paid for, with its cost and who pays.

    Attributes:
        vectors: of the texts, in their order; None when they cannot be used, and cost all the same.
        shares: of the cost, each job once.
        reserved: for the request, under the run's cap and the month's.
        documents: the published documents that the texts are of, when a space is filled beside.
        recipe: by which these documents were cut, when one is filled beside.
    """

    space_id: UUID
    texts: Sequence[PendingText]
    vectors: np.ndarray | None
    call: ServiceCall
    shares: Sequence[Share]
    reserved: Reservation
    documents: Sequence[UUID] = ()
    recipe: UUID | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A response as it was inserted.

    Attributes:
        transaction: its id, for `is_stored`.
        vectors: texts that have their vectors by it; what was deleted meanwhile has none.
    """

    transaction: str
    vectors: int


async def insert_paid_response(connection: AsyncConnection, answer: PaidResponse) -> Stored:
    """Insert everything that a response is, in the caller's transaction and in the lock order."""
    if answer.vectors is not None:
        await vector_buffer.stage(connection, answer.texts, answer.vectors)
    if answer.documents:
        await lock_documents(connection, answer.documents)
    if answer.shares:
        await service_calls.bill(connection, answer.shares)
    vectors = 0 if answer.vectors is None else await _insert_vectors(connection, answer)
    run_id = answer.call.run_id
    assert run_id is not None, "every request is a run's"
    # Last of what is locked, because every answer of the run waits for this row.
    usd = answer.call.cost_usd
    await cost_caps.settle(connection, run_id, answer.reserved, usd)
    transaction = await service_calls.record(
        connection, answer.call, shares=_by_user(answer), month=answer.reserved.month
    )
    return Stored(transaction, vectors)


def _by_user(answer: PaidResponse) -> dict[UUID, Decimal]:
    """The dollars that each user pays of it."""
    users = {text.job_id: text.user_id for text in answer.texts}
    found: dict[UUID, Decimal] = defaultdict(Decimal)
    for job, _, usd in answer.shares:
        found[users[job]] += usd
    return dict(found)


async def _insert_vectors(connection: AsyncConnection, answer: PaidResponse) -> int:
    space, texts = answer.space_id, answer.texts
    if answer.recipe is not None:
        return await recipe_vectors.insert_staged(
            connection, answer.recipe, space, answer.documents, texts
        )
    if answer.documents:
        return await space_vectors.insert_staged(connection, space, answer.documents, texts)
    return await vector_buffer.insert_staged(connection, space, texts)


_STATUS = sa.text("SELECT pg_xact_status(CAST(:transaction AS xid8))")


async def is_stored(connection: AsyncConnection, transaction: str) -> bool:
    """Whether a transaction was committed of which the end was not heard.

    Raises:
        DatabaseUnavailable: it has not ended yet; ask again.
    """
    try:
        async with connection.begin_nested():
            status = await connection.scalar(_STATUS, {"transaction": transaction})
    except sa.exc.DataError:
        # Its number is still to come: Postgres crashed before anything of it was on the disk.
        return False
    if status == "in progress":
        raise DatabaseUnavailable("Postgres has not ended an earlier transaction yet.")
    return bool(status == "committed")
