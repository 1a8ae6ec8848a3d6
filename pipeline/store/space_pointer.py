"""The pointer to the space that answers questions; one row, one statement to move it.

Before a second space is built it is NULL: the settings name the space, as they name a model. From
then on the pointer does, whatever the settings of a process say, so that all of them answer from
one space.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.chunk_sizes import ChunkSizes
from pipeline.errors import UsageError
from pipeline.store import space_backlog
from pipeline.store.engine import records, rows


@dataclass(frozen=True, slots=True)
class StoredSpace:
    """An embedding space as it is written down.

    Attributes:
        filled: what is published in another space is owed to it.
        settings: how its embedder is opened; None when that is not known, as after a restore.
        addresses: of servers that give its vectors; empty where the model's name is enough.
        state: building, active (whole, or the settings' own), retired (dropped).
        note: what a person should know of it.
    """

    id: UUID
    provider: str
    model: str
    dimension: int
    version: str
    state: str
    created_at: datetime
    filled: bool
    settings: Mapping[str, Any] | None
    addresses: list[str]
    note: str | None


_COLUMNS = """
    s.id, s.provider, s.model, s.dimension, s.version, s.state, s.created_at,
    s.filled_since IS NOT NULL AS filled, s.settings, s.addresses, s.note
"""
_ACTIVE = sa.text(
    f"""
    SELECT {_COLUMNS} FROM installation AS i JOIN embedding_spaces AS s ON s.id = i.active_space_id
    """
)
_IN_FORCE = sa.text(
    f"""
    SELECT i.chunk_tokens, i.chunk_overlap_tokens, {_COLUMNS}
    FROM installation AS i LEFT JOIN embedding_spaces AS s ON s.id = i.active_space_id
    """
)
_ALL = sa.text(f"SELECT {_COLUMNS} FROM embedding_spaces AS s ORDER BY s.created_at, s.id")
_ONE = sa.text(f"SELECT {_COLUMNS} FROM embedding_spaces AS s WHERE s.id = :id")
_FILLED = sa.text(
    f"""
    SELECT {_COLUMNS} FROM embedding_spaces AS s
    WHERE s.filled_since IS NOT NULL AND s.id <> :but ORDER BY s.created_at, s.id
    """
)


async def active(connection: AsyncConnection) -> StoredSpace | None:
    """The space that was switched to; None while the settings decide."""
    found = await records(connection, StoredSpace, _ACTIVE, {})
    return found[0] if found else None


async def in_force(connection: AsyncConnection) -> tuple[ChunkSizes, StoredSpace | None]:
    """What all processes work by, in one statement: the sizes of chunks, and the space as above."""
    (row,) = await rows(connection, _IN_FORCE, {})
    found = dict(row)
    sizes = ChunkSizes(found.pop("chunk_tokens"), found.pop("chunk_overlap_tokens"))
    return sizes, StoredSpace(**found) if found["id"] is not None else None


async def all_spaces(connection: AsyncConnection) -> list[StoredSpace]:
    """Every space that there is or was, oldest first."""
    return await records(connection, StoredSpace, _ALL, {})


async def space(connection: AsyncConnection, space_id: UUID) -> StoredSpace | None:
    """A space by its id."""
    found = await records(connection, StoredSpace, _ONE, {"id": space_id})
    return found[0] if found else None


async def filled_beside(connection: AsyncConnection, space_id: UUID) -> list[StoredSpace]:
    """The spaces to which what is published in this one is owed."""
    return await records(connection, StoredSpace, _FILLED, {"but": space_id})


_FILL = sa.text(
    """
    UPDATE embedding_spaces SET filled_since = coalesce(filled_since, now()),
        state = CASE WHEN filled_since IS NULL THEN 'building' ELSE state END,
        settings = CAST(:settings AS jsonb)
    WHERE id = :id
    """
)


_PIN = sa.text("UPDATE installation SET active_space_id = :answers WHERE active_space_id IS NULL")


async def begin_filling(
    connection: AsyncConnection, space_id: UUID, settings: Mapping[str, Any], answers: UUID
) -> None:
    """Have everything that is published from now on owed to a space.

    Args:
        answers: the space that answers now; from here on it does whatever the settings name.
    """
    await space_backlog.changing_spaces(connection)
    await connection.execute(_FILL, {"id": space_id, "settings": json.dumps(settings)})
    await connection.execute(_PIN, {"answers": answers})


_WHOLE = sa.text(
    "UPDATE embedding_spaces SET state = 'active' WHERE id = :id AND state = 'building'"
)


async def note_whole(connection: AsyncConnection, space_id: UUID) -> None:
    """Note that a space lacked nothing at a moment."""
    await connection.execute(_WHOLE, {"id": space_id})


_REMEMBER = sa.text(
    """
    UPDATE embedding_spaces SET settings = CAST(:settings AS jsonb)
    WHERE id = :id AND settings IS DISTINCT FROM CAST(:settings AS jsonb)
    """
)


async def remember_settings(
    connection: AsyncConnection, space_id: UUID, settings: Mapping[str, Any]
) -> None:
    """Write down how a space's embedder is opened."""
    await connection.execute(_REMEMBER, {"id": space_id, "settings": json.dumps(settings)})


@dataclass(frozen=True, slots=True)
class Switch:
    """A change of the space that answers.

    Attributes:
        kind: switch or rollback. reason: why a switch was forced; else empty.
        comparison: what the golden questions said, for a switch that was compared.
    """

    kind: str
    from_space_id: UUID
    to_space_id: UUID
    who: str
    reason: str = ""
    comparison: Mapping[str, Any] | None = None


# This is the switch: a question that begins before it is answered from the one space wholly, a
# question that begins after it from the other.
_POINT = sa.text(
    """
    UPDATE installation SET active_space_id = :to
    WHERE coalesce(active_space_id, CAST(:from AS uuid)) = CAST(:from AS uuid)
      AND EXISTS (SELECT FROM embedding_spaces WHERE id = :to AND state <> 'retired')
    """
)
_KEEP = sa.text(
    """
    WITH pair AS (
        SELECT id FROM embedding_spaces WHERE id IN (:from, :to) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE embedding_spaces AS s SET filled_since = coalesce(s.filled_since, now()),
        state = 'active'
    FROM pair WHERE s.id = pair.id
    """
)
_NOTE = sa.text(
    """
    INSERT INTO space_switches (kind, from_space_id, to_space_id, who, reason, comparison)
    VALUES (:kind, :from, :to, :who, :reason, CAST(:comparison AS jsonb))
    """
)


async def point(connection: AsyncConnection, switch: Switch, *, whole: bool) -> None:
    """Have another space answer; the one before is kept, and goes on being filled.

    Args:
        whole: only when it lacks no published document.

    Raises:
        UsageError: it does, or another process has changed the pointer meanwhile.
    """
    await space_backlog.changing_spaces(connection)
    lacking = await space_backlog.count(connection, switch.to_space_id) if whole else 0
    if lacking:
        raise UsageError(
            f"The space lacks {lacking:,} published documents.",
            remedy="Finish it with `navigator space build`, then switch.",
        )
    values = {"from": switch.from_space_id, "to": switch.to_space_id}
    told = None if switch.comparison is None else json.dumps(switch.comparison)
    noted = {"kind": switch.kind, "who": switch.who, "reason": switch.reason, "comparison": told}
    await connection.execute(_NOTE, values | noted)
    await connection.execute(_KEEP, values)
    if (await connection.execute(_POINT, values)).rowcount != 1:
        raise UsageError(
            "The space that answers was changed by somebody else in this moment.",
            remedy="Look with `navigator space list`, and switch again.",
        )


@dataclass(frozen=True, slots=True)
class PastSwitch:
    """A switch that was made."""

    created_at: datetime
    kind: str
    from_space_id: UUID
    to_space_id: UUID
    who: str
    reason: str
    comparison: Mapping[str, Any] | None


_SWITCHES = sa.text(
    """
    SELECT created_at, kind, from_space_id, to_space_id, who, reason, comparison
    FROM space_switches ORDER BY id DESC LIMIT :most
    """
)


async def switches(connection: AsyncConnection, most: int = 20) -> list[PastSwitch]:
    """The last switches, newest first."""
    return await records(connection, PastSwitch, _SWITCHES, {"most": most})


@dataclass(frozen=True, slots=True)
class SpaceUse:
    """What is in a space: vectors, and documents of which the newest version was made in it."""

    vectors: int
    documents: int


_USE = sa.text(
    """
    SELECT s.id, (SELECT count(*) FROM chunk_vectors WHERE space_id = s.id)::bigint AS vectors,
           (SELECT count(*) FROM documents AS d JOIN upload_jobs AS j ON j.id = d.published_job_id
            WHERE j.space_id = s.id AND d.deleted_at IS NULL)::int AS documents
    FROM embedding_spaces AS s
    """
)


async def use(connection: AsyncConnection) -> dict[UUID, SpaceUse]:
    """What is in each space."""
    found = await rows(connection, _USE, {})
    return {row["id"]: SpaceUse(row["vectors"], row["documents"]) for row in found}
