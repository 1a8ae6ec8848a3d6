"""How widely a vector index looks for neighbors as it is built, and which are built narrower."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.schema import SCHEMA

# Among a million vectors one in seventy was beyond any search of an index built with 128, and none
# of one built with 200; among 200,000 none either way (decision 0115).
_LARGE = 200_000
_WIDTH, _WIDTH_OF_LARGE = 128, 200

KEPT_WITH = f"ef_construction = {_WIDTH}"
"""The options of an index that is built: by them it takes in what is inserted.

Inserts that looked as widely as the build of a large one took up to twice as long, and what
they took in was found no better.
"""


def built_with(vectors: int) -> str:
    """The options that an index over so many vectors is built with."""
    return f"ef_construction = {_WIDTH if vectors < _LARGE else _WIDTH_OF_LARGE}"


# What an index was built with is in its comment. A release that wrote none built with the option.
_BUILT = """
    coalesce(substring(obj_description(c.oid, 'pg_class') FROM '^ef_construction = ([0-9]{1,4})$'),
             (SELECT o.option_value FROM pg_options_to_table(c.reloptions) AS o
              WHERE o.option_name = 'ef_construction'),
             '64')::integer
"""
BUILT_OF = f"SELECT {_BUILT} FROM pg_class AS c WHERE c.oid = CAST(%s AS regclass)"
"""SQL of psycopg: the width that the index of this name was built with."""

NARROWER = f"""
    ({_BUILT} < CASE WHEN c.reltuples < {_LARGE} THEN {_WIDTH} ELSE {_WIDTH_OF_LARGE} END)
"""
"""SQL: whether the index `c` of pg_class was built narrower than one of its size would be now."""

_NARROWER_SPACES = sa.text(
    f"""
    SELECT s.id FROM {SCHEMA}.embedding_spaces AS s
    JOIN pg_class AS c ON c.relnamespace = '{SCHEMA}'::regnamespace
        AND c.relname = 'chunk_vectors_' || left(replace(s.id::text, '-', ''), 16) || '_hnsw'
    WHERE {NARROWER}
    """
)


async def narrower_indexes(connection: AsyncConnection) -> set[UUID]:
    """The spaces whose vector index an older release built, or this one when it was small."""
    return set((await connection.execute(_NARROWER_SPACES)).scalars())
