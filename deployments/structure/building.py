"""Builds the structure that our migrations declare, in a database made for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from pipeline.store.embedding_spaces import ensure_space
from pipeline.store.engine import Database
from pipeline.store.migrating import MINIMUM_PGVECTOR, migrate
from pipeline.store.structure import Fact, Structure, read_structure
from pipeline.store.structure.comparing import AT_LEAST

_SPACE = UUID(int=1)


async def build_structure(url: str) -> Structure:
    """Migrate an empty database to the newest schema, with one embedding space, and read it.

    Of the server nothing is kept, and of its extensions what the migrations demand.
    """
    await asyncio.to_thread(migrate, url)
    database = Database(url)
    try:
        await ensure_space(
            database, _SPACE, provider="none", model="none", dimension=3, version="0"
        )
        return declared_of(await read_structure(database))
    finally:
        await database.close()


def declared_of(read: Structure) -> Structure:
    """What is declared of a structure that was read."""
    least = ".".join(map(str, MINIMUM_PGVECTOR))
    facts = [each for each in read.facts if each.kind not in ("extension", "membership")]
    demanded = Fact("extension", "vector", f"{AT_LEAST}{least}")
    return replace(read, facts=tuple(sorted([*facts, demanded])), told={})
