"""Makes declared objects of the database again; nothing is dropped, and no row is changed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import psycopg
from psycopg.errors import InsufficientPrivilege

from pipeline.errors import ConfigurationError
from pipeline.store.engine import Database
from pipeline.store.outages import translated
from pipeline.store.schema import SCHEMA
from pipeline.store.session_timeouts import LASTING
from pipeline.store.structure.comparing import StructureDifference

_PARTITION = re.compile(r"chunk_vectors_[0-9a-f]{16}")
_ON_PARENT = " ON ONLY "
# What ALTER POLICY cannot change stands before the roles.
_POLICY = re.compile(r"(?P<kind>AS \w+ FOR \w+) (?P<rest>TO .*)", re.DOTALL)


def statement_for(difference: StructureDifference) -> str | None:
    """The statement that makes an object as declared; None where only a person should.

    Nothing that it makes may lie in another's way: it is missing, or a policy's words are other.
    """
    declared = _of_partition(difference)
    if declared is None:
        return None
    name = difference.name
    if difference.partition is not None:
        if not _PARTITION.fullmatch(difference.partition):
            return None
        name = name.replace("*", difference.partition)
    table, _, own = name.partition(".")
    if difference.kind == "index" and difference.what == "missing":
        return _index(declared)
    if difference.kind == "policy":
        return _policy(table, own, declared, difference.found)
    if difference.kind == "row security":
        forced = ", FORCE ROW LEVEL SECURITY" if declared.endswith("forced") else ""
        return f"ALTER TABLE {SCHEMA}.{table} ENABLE ROW LEVEL SECURITY{forced}"
    return None


def _of_partition(difference: StructureDifference) -> str | None:
    if difference.expected is None or difference.partition is None:
        return difference.expected
    return difference.expected.replace("*", difference.partition)


def _index(declared: str) -> str:
    """Beside running writers; on a partitioned table Postgres cannot, but takes those there are."""
    if _ON_PARENT in declared:
        return declared.replace(_ON_PARENT, " ON ", 1)
    return declared.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)


def _policy(table: str, name: str, declared: str, found: str | None) -> str | None:
    wanted, there = _POLICY.fullmatch(declared), _POLICY.fullmatch(found or "")
    if wanted is None:
        return None
    if found is None:
        return f"CREATE POLICY {name} ON {SCHEMA}.{table} {declared}"
    if there is None or there["kind"] != wanted["kind"]:
        return None
    return f"ALTER POLICY {name} ON {SCHEMA}.{table} {wanted['rest']}"


async def repair_structure(database: Database, chosen: Sequence[StructureDifference]) -> None:
    """Run the statement of each, partitions first, so that an index takes theirs.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        ConfigurationError: the owner's login may not, or an object of that kind cannot be made.
    """
    statements = [
        made
        for each in sorted(chosen, key=lambda each: each.partition is None)
        if (made := statement_for(each)) is not None
    ]
    address = database.owner_address.set(drivername="postgresql")
    with translated(database.owner_address):
        connection = await psycopg.AsyncConnection.connect(
            address.render_as_string(hide_password=False), autocommit=True, **LASTING
        )
        async with connection:
            for statement in statements:
                await _execute(connection, statement)


async def _execute(connection: psycopg.AsyncConnection, statement: str) -> None:
    try:
        await connection.execute(statement.encode())
    except InsufficientPrivilege:
        raise ConfigurationError(
            "The database login may not set the structure back.",
            remedy="Set NAVIGATOR_DATABASE_OWNER_URL to a login that owns the schema.",
        ) from None
    except (psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
        raise ConfigurationError(
            f"Postgres does not set the structure back (SQLSTATE {error.sqlstate}).",
            remedy="Run the migrations' statement by hand; Postgres says why it cannot be.",
        ) from None
