"""Reads a recipe as a search reads what is published: the same statements, other rows.

For the length of a reader's transaction, temporary views with the names of the tables of chunks,
vectors and words stand before these. They are the reader's own, so row-level security binds it
there as everywhere; and they are undone with a savepoint, so that nothing of them is left.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import Database
from pipeline.store.schema import SCHEMA, document_chunks, removed_chunks, word_segments

# The path differs from every other transaction's, so no plan that was made for the tables is used.
_PATH = f"SET LOCAL search_path = pg_temp, {SCHEMA}, public"


def _views(recipe: UUID) -> list[str]:
    """Statements that put a recipe's rows in the place of what is published.

    None of its words are indexed: a scan answers, by the same scores.
    """
    columns = ", ".join(each.name for each in document_chunks.columns)
    of_recipe = f"WHERE recipe_id = '{recipe}'"
    empty = [
        f"CREATE TEMP VIEW {each.name} AS SELECT * FROM {SCHEMA}.{each.name} WHERE false"
        for each in (word_segments, removed_chunks)
    ]
    return [
        _PATH,
        f"CREATE TEMP VIEW document_chunks AS SELECT {columns} "
        f"FROM {SCHEMA}.recipe_chunks {of_recipe}",
        "CREATE TEMP VIEW chunk_vectors AS SELECT space_id, chunk_id, user_id, sha256, embedding "
        f"FROM {SCHEMA}.recipe_vectors {of_recipe}",
        "CREATE TEMP VIEW unindexed_chunks AS SELECT user_id, id AS chunk_id "
        f"FROM {SCHEMA}.recipe_chunks {of_recipe}",
        *empty,
    ]


class RecipeDatabase(Database):
    """A database whose readers see a recipe in the place of what is published.

    It shares the connections of the one that it was made of, and is not closed.
    """

    def __init__(self, database: Database, recipe: UUID) -> None:
        self.__dict__.update(vars(database))
        self._statements = [sa.text(each) for each in _views(recipe)]

    @asynccontextmanager
    async def reader(self, user_id: UUID) -> AsyncIterator[AsyncConnection]:
        """One transaction that sees a recipe's rows of one user and cannot write."""
        async with super().reader(user_id) as connection:
            seeing = await connection.begin_nested()
            for statement in self._statements:
                await connection.execute(statement)
            yield connection
            await seeing.rollback()
