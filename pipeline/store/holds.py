"""Legal holds: what keeps documents from being deleted, by whoever and for whatever reason.

A hold names an owner, a document, a tag, or several of them; it is on every document that matches
all it names, and on what is inside such a document. It is asked for where documents are deleted
(`deletion.py`, `erasure.py`), so that no way around it is forgotten.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import LegalHold, UsageError
from pipeline.store.engine import rows


@dataclass(frozen=True, slots=True)
class Scope:
    """Which documents are meant: those that match all that is named.

    Attributes:
        owner_id: whose documents; None: everybody's.
        document_id: one document, with all inside it.
        tag: those that have it.
    """

    owner_id: UUID | None = None
    document_id: UUID | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold, in force until it is lifted.

    Attributes:
        who: placed it, as the operator's account is called.
        documents: that it is on now, without those inside them.
    """

    id: UUID
    scope: Scope
    reason: str
    who: str
    placed_at: datetime
    lifted_at: datetime | None = None
    lifted_reason: str = ""
    documents: int = 0


_ON = """
    (h.owner_id IS NULL OR h.owner_id = d.user_id)
    AND (h.document_id IS NULL OR h.document_id = d.id)
    AND (h.tag IS NULL OR h.tag = ANY(d.tags))
"""
# A document is kept for its own sake, for what it is inside of, and for what is inside it.
_HELD = sa.text(
    f"""
    WITH RECURSIVE line(of_id, id, parent_id, user_id, tags) AS (
        SELECT d.id, d.id, d.parent_id, d.user_id, d.tags FROM documents AS d
        WHERE d.id = ANY(CAST(:ids AS uuid[]))
        UNION SELECT l.of_id, p.id, p.parent_id, p.user_id, p.tags
        FROM documents AS p JOIN line AS l ON p.id = l.parent_id
    ), held AS (
        SELECT DISTINCT d.of_id FROM line AS d
        WHERE EXISTS (SELECT FROM legal_holds AS h WHERE h.lifted_at IS NULL AND {_ON})
    )
    SELECT DISTINCT l.id FROM line AS l JOIN held USING (of_id)
    WHERE l.id = ANY(CAST(:ids AS uuid[]))
    """
)
_ANY_OF_USER = sa.text(
    f"""
    SELECT EXISTS (
        SELECT FROM legal_holds AS h
        WHERE h.lifted_at IS NULL
          AND ((h.owner_id = :user_id AND h.document_id IS NULL AND h.tag IS NULL)
               OR EXISTS (SELECT FROM documents AS d
                          WHERE d.user_id = :user_id AND d.deleted_at IS NULL AND {_ON}))
    )
    """
)
# Whoever deletes one of them at this moment is waited for; who comes later sees the hold.
_MATCHING = sa.text(
    f"""
    WITH h AS (SELECT CAST(:owner_id AS uuid) AS owner_id, CAST(:document_id AS uuid) AS
                      document_id, CAST(:tag AS text) AS tag)
    SELECT d.id FROM documents AS d, h WHERE d.deleted_at IS NULL AND {_ON}
    ORDER BY d.id FOR NO KEY UPDATE OF d
    """
)
_PLACE = sa.text(
    """
    INSERT INTO legal_holds (id, owner_id, document_id, tag, reason, who)
    VALUES (:id, :owner_id, :document_id, :tag, :reason, :who) RETURNING created_at
    """
)
_LIFT = sa.text(
    """
    UPDATE legal_holds SET lifted_at = now(), lifted_reason = :reason
    WHERE id = :id AND lifted_at IS NULL
    """
)
_ALL = sa.text(
    f"""
    SELECT h.*, (SELECT count(*) FROM documents AS d
                 WHERE h.lifted_at IS NULL AND d.deleted_at IS NULL AND {_ON}) AS documents
    FROM legal_holds AS h ORDER BY h.lifted_at DESC NULLS FIRST, h.created_at DESC, h.id
    """
)


async def held_of(connection: AsyncConnection, ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of the documents that a hold keeps; the caller has them locked."""
    if not ids:
        return frozenset()
    found = await connection.execute(_HELD, {"ids": list(ids)})
    return frozenset(found.scalars())


async def require_none_of(connection: AsyncConnection, user_id: UUID) -> None:
    """Refuse when anything of a user's is held.

    Raises:
        LegalHold: it is.
    """
    if await connection.scalar(_ANY_OF_USER, {"user_id": user_id}):
        raise LegalHold(
            "Documents of this user have to be kept for a legal reason, so nothing was erased."
        )


async def place(
    connection: AsyncConnection, hold_id: UUID, scope: Scope, reason: str, who: str
) -> Hold:
    """Place a hold, in the caller's transaction; from its commit on nothing it is on is deleted."""
    named = {
        "owner_id": scope.owner_id,
        "document_id": scope.document_id,
        "tag": scope.tag,
    }
    found = (await connection.execute(_MATCHING, named)).scalars().all()
    values = {"id": hold_id, "reason": reason, "who": who, **named}
    placed = await connection.scalar(_PLACE, values)
    return Hold(hold_id, scope, reason, who, placed, documents=len(found))


async def lift(connection: AsyncConnection, hold_id: UUID, reason: str) -> None:
    """Lift a hold; that there was one stays known.

    Raises:
        UsageError: there is none of this id that is in force.
    """
    if not (await connection.execute(_LIFT, {"id": hold_id, "reason": reason})).rowcount:
        raise UsageError(
            "There is no such hold in force.", remedy="`navigator hold list` shows them."
        )


async def all_holds(connection: AsyncConnection) -> list[Hold]:
    """Every hold: those in force first, then by when they were placed."""
    return [
        Hold(
            row["id"], Scope(row["owner_id"], row["document_id"], row["tag"]), row["reason"],
            row["who"], row["created_at"], row["lifted_at"], row["lifted_reason"],
            row["documents"],
        )
        for row in await rows(connection, _ALL)
    ]  # fmt: skip
