"""An installation's own chunk sizes: taken from its documents once, and kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from pipeline.chunk_sizes import RECOMMENDED, UNREMEMBERED, ChunkSizes
from pipeline.store.engine import Database
from pipeline.store.migrating import migrate
from pipeline.store.remembered_sizes import remember_sizes, remembered_sizes
from tests.pipeline.store.making import VERSION, open_space, register, source
from tests.pipeline.store.test_schema import downgrade

BEFORE = "0020"


async def remembered(database: Database) -> ChunkSizes:
    """What the installation uses where nothing is set."""
    async with database.service() as connection:
        return await remembered_sizes(connection)


async def statement(database: Database, text: str) -> None:
    """Change something by hand."""
    async with database.service() as connection:
        await connection.execute(sa.text(text))


async def test_a_new_installation_begins_with_what_is_recommended(database: Database) -> None:
    """The migrations write what the program recommends."""
    assert await remembered(database) == RECOMMENDED


async def test_documents_of_before_decide(database: Database, database_url: str) -> None:
    """Most documents that are there do, not a larger number that was deleted or superseded."""
    await open_space(database)
    for name, sizes in (("a", "300/30"), ("b", "300/30"), ("c", "500/50"), ("d", "500/50"),
                        ("e", "500/50")):  # fmt: skip
        made = replace(VERSION, chunker=f"markdown-3:{sizes}:wordllama")
        await register(database, [source(f"{name}.md")], version=made)
    await statement(
        database, "UPDATE documents SET deleted_at = now() WHERE name IN ('d.md', 'e.md')"
    )

    async def migrated_again() -> ChunkSizes:
        await asyncio.to_thread(downgrade, database_url, BEFORE)
        await asyncio.to_thread(migrate, database_url)
        return await remembered(database)

    assert await migrated_again() == ChunkSizes(300, 30)
    # what cannot be read, or could not be used, leaves what was the default then
    await statement(database, "UPDATE upload_jobs SET chunker = 'markdown-3:300/200:wordllama'")
    assert await migrated_again() == UNREMEMBERED
    await statement(database, "UPDATE upload_jobs SET chunker = 'plain'")
    assert await migrated_again() == UNREMEMBERED


async def test_what_is_remembered_can_be_used(database: Database) -> None:
    """Sizes that no chunker takes are refused, from a backup too."""
    async with database.service() as connection:
        await remember_sizes(connection, ChunkSizes(300, 100))
    assert await remembered(database) == ChunkSizes(300, 100)
    for wrong in (ChunkSizes(31, 0), ChunkSizes(8001, 0), ChunkSizes(300, 101)):
        with pytest.raises(IntegrityError):
            async with database.service() as connection:
                await remember_sizes(connection, wrong)
