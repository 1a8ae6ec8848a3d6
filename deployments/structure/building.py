"""Builds the structure that our migrations declare, in a database made for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from pipeline.store.embedding_spaces import ensure_space
from pipeline.store.engine import Database
from pipeline.store.migrating import MINIMUM_PGVECTOR, connected, migrate
from pipeline.store.schema_changes import Contraction, contractions
from pipeline.store.structure import Fact, Structure, read_structure
from pipeline.store.structure.comparing import AT_LEAST
from pipeline.store.structure.contracting import StructureChange, change_between

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


async def build_changes(url: str) -> dict[str, StructureChange]:
    """What each contraction changes in its turn, of a database that `build_structure` made.

    The database is not what a deployment leaves: nothing is noted of the contractions there.
    """
    database, made = Database(url), {}
    try:
        before = declared_of(await read_structure(database))
        for each in contractions():
            await asyncio.to_thread(_apply, url, each)
            after = declared_of(await read_structure(database))
            made[each.name] = change_between(before, after)
            before = after
    finally:
        await database.close()
    return made


def _apply(url: str, contraction: Contraction) -> None:
    with connected(url) as connection:
        contraction.apply(connection)
        connection.commit()


def declared_of(read: Structure) -> Structure:
    """What is declared of a structure that was read."""
    least = ".".join(map(str, MINIMUM_PGVECTOR))
    facts = [each for each in read.facts if each.kind not in ("extension", "membership")]
    demanded = Fact("extension", "vector", f"{AT_LEAST}{least}")
    return replace(read, facts=tuple(sorted([*facts, demanded])), told={})
