"""How widely a vector index looks for neighbors while it is built, and which looked less widely."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.schema import SCHEMA

_EF_CONSTRUCTION = 200
BUILT_WITH = f"ef_construction = {_EF_CONSTRUCTION}"

# A rebuild sets the option before it has the graph. Cut off, it leaves what it was building.
OLDER = f"""
    (coalesce((SELECT o.option_value::integer FROM pg_options_to_table(c.reloptions) AS o
               WHERE o.option_name = 'ef_construction'), 64) < {_EF_CONSTRUCTION}
     OR EXISTS (SELECT FROM pg_class AS building
                WHERE building.relnamespace = c.relnamespace
                  AND building.relname = c.relname || '_ccnew'))
"""
"""SQL: whether the index `c` of pg_class was built with less care than one would be today."""

_OLDER_SPACES = sa.text(
    f"""
    SELECT s.id FROM {SCHEMA}.embedding_spaces AS s
    JOIN pg_class AS c ON c.relnamespace = '{SCHEMA}'::regnamespace
        AND c.relname = 'chunk_vectors_' || left(replace(s.id::text, '-', ''), 16) || '_hnsw'
    WHERE {OLDER}
    """
)


async def older_indexes(connection: AsyncConnection) -> set[UUID]:
    """The spaces whose vector index an older release built, with less care than this one would."""
    return set((await connection.execute(_OLDER_SPACES)).scalars())
