"""The servers that give a space's vectors, for models whose name says nothing of their maker."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.documents import embedding_text
from pipeline.store.engine import records, rows


@dataclass(frozen=True, slots=True)
class NamedSpace:
    """A space of a model's name: its id and version, and the servers that gave its vectors."""

    id: UUID
    version: str
    addresses: list[str]


_NAMED = sa.text(
    """
    SELECT id, version, addresses FROM embedding_spaces
    WHERE provider = :provider AND model = :model AND dimension = :dimension
    ORDER BY created_at, id
    """
)


async def spaces_named(
    connection: AsyncConnection, provider: str, model: str, dimension: int
) -> list[NamedSpace]:
    """The spaces of a model's name, oldest first."""
    values = {"provider": provider, "model": model, "dimension": dimension}
    return await records(connection, NamedSpace, _NAMED, values)


_ADD = sa.text(
    """
    UPDATE embedding_spaces SET addresses = addresses || CAST(:address AS text)
    WHERE id = :id AND CAST(:address AS text) <> ALL(addresses)
      AND (NOT :first OR addresses = '{}')
    """
)


async def add_server(
    connection: AsyncConnection, space_id: UUID, address: str, *, first: bool = False
) -> bool:
    """Note that a server gives a space's vectors; `first`: only when none is noted yet."""
    values = {"id": space_id, "address": address, "first": first}
    return (await connection.execute(_ADD, values)).rowcount == 1


_NOTE = sa.text("UPDATE embedding_spaces SET note = :note WHERE id = :id")


async def note(connection: AsyncConnection, space_id: UUID, text: str) -> None:
    """Write down what a person should know of a space."""
    await connection.execute(_NOTE, {"id": space_id, "note": text})


@dataclass(frozen=True, slots=True)
class Probe:
    """A published text with the vector that its space has for it, and whose it is."""

    user_id: UUID
    text: str
    vector: np.ndarray


_PROBES = sa.text(
    """
    SELECT c.user_id, c.heading_path, c.text, c.context, v.embedding::text AS vector
    FROM (SELECT chunk_id, embedding FROM chunk_vectors WHERE space_id = :space LIMIT :most) AS v
    JOIN document_chunks AS c ON c.id = v.chunk_id
    """
)


async def probes(connection: AsyncConnection, space_id: UUID, most: int) -> list[Probe]:
    """A few published texts of a space, to ask a server for their vectors."""
    return [
        Probe(
            row["user_id"],
            embedding_text(row["heading_path"], row["text"], row["context"]),
            np.fromstring(row["vector"].strip("[]"), sep=",", dtype=np.float32),
        )
        for row in await rows(connection, _PROBES, {"space": space_id, "most": most})
    ]
