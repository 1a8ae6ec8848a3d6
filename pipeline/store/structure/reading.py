"""Reads a database's structure from Postgres's catalogs, which every login may read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import Database
from pipeline.store.schema import SERVICE_ROLE
from pipeline.store.structure.catalog_queries import (
    CONTRACTIONS,
    FACTS,
    MAY_READ,
    MAY_TAKE,
    MEMBERS,
    PARTITIONS,
    REVISION,
    TOLD,
    TRANSITIONS,
)
from pipeline.store.structure.facts import Fact, Partition, Structure

_BUILT_LATER = re.compile(r" USING hnsw ")
_DIMENSION = re.compile(r"vector_dims\(embedding\) = \d+")
# Whichever login embeds first owns the partition: with one login for all that is not the schema's.
_OWNER = re.compile(r", owned by .*$")


class Member(NamedTuple):
    """A login that may take one of our roles."""

    role: str
    login: str
    inherits: bool
    bypasses: bool


async def read_structure(database: Database) -> Structure:
    """Read everything that migrations make, as the pipeline's login; nothing is changed.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    async with database.login() as connection:
        return await structure_in(connection)


async def structure_in(connection: AsyncConnection) -> Structure:
    """Read the structure as a transaction sees it, which is left as it was."""
    # A savepoint: what is set in it is undone with it.
    async with connection.begin_nested() as reading:
        found = await _structure(connection)
        await reading.rollback()
    return found


async def _structure(connection: AsyncConnection) -> Structure:
    # Postgres then writes every name with its schema, whatever a login's own path is.
    await connection.execute(sa.text("SELECT set_config('search_path', '', true)"))
    partitions = list((await connection.execute(PARTITIONS)).scalars())
    facts = [Read(*row) for query in FACTS for row in await connection.execute(query)]
    members = [Member(*row) for row in await connection.execute(MEMBERS)]
    told = {str(name): str(value) for name, value in await connection.execute(TOLD)}
    revision, transitions, contractions = await _rows(connection)
    own = [each.fact for each in facts if each.table not in partitions]
    return Structure(
        revision=revision,
        facts=tuple(sorted({*own, *transitions, *_memberships(members)})),
        partitions=tuple(_partitions(partitions, facts)),
        told={**told, **_told_members(members)},
        contractions=contractions,
    )


class Read(NamedTuple):
    """A row of a catalog query: an object, and the table that it belongs to."""

    table: str | None
    kind: str
    name: str
    definition: str

    @property
    def fact(self) -> Fact:
        """What is known of it."""
        return Fact(self.kind, self.name, self.definition)


async def _rows(connection: AsyncConnection) -> tuple[str | None, list[Fact], tuple[str, ...]]:
    """The schema's revision, the changes of state that the trigger allows, and contractions."""
    if await connection.scalar(MAY_TAKE):
        await connection.execute(sa.text(f"SET LOCAL ROLE {SERVICE_ROLE}"))
    revision, transitions, contractions = None, [], ()
    if await connection.scalar(MAY_READ, {"table": "alembic_version"}):
        revision = await connection.scalar(REVISION)
    if await connection.scalar(MAY_READ, {"table": "state_transitions"}):
        transitions = [
            Fact("transition", f"{source} to {target}", "allowed")
            for source, target in await connection.execute(TRANSITIONS)
        ]
    if await connection.scalar(MAY_READ, {"table": "schema_contractions"}):
        contractions = tuple((await connection.execute(CONTRACTIONS)).scalars())
    return revision, transitions, contractions


def _memberships(members: Sequence[Member]) -> Iterator[Fact]:
    """Logins that see every user's rows without taking a role first: there should be none."""
    for each in members:
        if each.inherits or each.bypasses:
            how = "inherits its rights" if each.inherits else "bypasses row-level security"
            yield Fact("membership", f"{each.login} in {each.role}", how)


def _told_members(members: Sequence[Member]) -> dict[str, str]:
    found: dict[str, list[str]] = defaultdict(list)
    for each in members:
        found[f"members of {each.role}"].append(each.login)
    return {name: ", ".join(logins) for name, logins in found.items()}


def _partitions(names: Sequence[str], facts: Sequence[Read]) -> Iterator[Partition]:
    of: dict[str, list[Read]] = defaultdict(list)
    for each in facts:
        if each.table is not None:
            of[each.table].append(each)
    for name in names:
        later = [each for each in of[name] if _BUILT_LATER.search(each.definition)]
        made = {_general(each, name) for each in of[name] if each not in later}
        yield Partition(name, tuple(sorted(made)), tuple(each.definition for each in later))


def _general(read: Read, partition: str) -> Fact:
    """The fact without what differs from one embedding space to the next."""
    definition = _DIMENSION.sub("vector_dims(embedding) = N", read.definition)
    definition = _OWNER.sub("", definition) if read.kind == "table" else definition
    return Fact(read.kind, read.name.replace(partition, "*"), definition.replace(partition, "*"))
