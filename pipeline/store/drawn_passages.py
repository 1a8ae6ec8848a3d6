"""Draws published passages at random, of as many documents as there are."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records


@dataclass(frozen=True, slots=True)
class DrawnPassage:
    """A published passage, as a person finds it again."""

    name: str
    page: int | None
    heading_path: list[str]
    text: str


_DRAW = sa.text(
    """
    WITH drawn AS (
        SELECT d.name, c.page_first AS page, c.heading_path, c.text,
               row_number() OVER (PARTITION BY d.id ORDER BY random()) AS turn
        FROM document_chunks AS c JOIN documents AS d ON d.id = c.document_id
        WHERE d.deleted_at IS NULL AND c.tokens >= 40
    )
    SELECT name, page, heading_path, text FROM drawn ORDER BY turn, random() LIMIT :most
    """
)


async def draw(connection: AsyncConnection, most: int) -> list[DrawnPassage]:
    """So many passages among those that the connection's role may see."""
    return await records(connection, DrawnPassage, _DRAW, {"most": most})
