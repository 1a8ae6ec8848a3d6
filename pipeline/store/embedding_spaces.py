"""Embedding spaces: one partition each, and an HNSW index once a scan would be slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import psutil
import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.engine import Database
from pipeline.store.index_options import BUILT_OF, KEPT_WITH, built_with
from pipeline.store.lock_order import SPACE_MADE, advisory
from pipeline.store.outages import data_folder
from pipeline.store.schema import READER_ROLE, SCHEMA, SERVICE_ROLE, USER_SETTING
from pipeline.store.session_timeouts import LASTING

# pgvector indexes a `vector` up to 2,000 dimensions and a `halfvec` up to 4,000.
_VECTOR_LIMIT = 2000


def partition(space_id: UUID) -> str:
    """The name of a space's partition, without schema."""
    return f"chunk_vectors_{space_id.hex[:16]}"


def indexed_type(dimension: int) -> str:
    """The type that a space's index is over; a query must cast to it to use the index."""
    return f"vector({dimension})" if dimension <= _VECTOR_LIMIT else f"halfvec({dimension})"


async def ensure_space(
    database: Database,
    space_id: UUID,
    *,
    provider: str,
    model: str,
    dimension: int,
    version: str,
) -> None:
    """Make the space and its partition when they do not exist; safe to call at once from many."""
    values = {
        "id": space_id,
        "provider": provider,
        "model": model,
        "dimension": dimension,
        "version": version,
    }
    async with database.service() as connection:
        known = await connection.scalar(_KNOWN, {"name": f"{SCHEMA}.{partition(space_id)}"})
        if known and await connection.scalar(_SELECT, values):
            return
    async with database.owner() as connection:
        await connection.execute(_LOCK, {"key": str(space_id)})
        for statement in partition_ddl(space_id, dimension):
            await connection.execute(sa.text(statement))
    async with database.service() as connection:
        await connection.execute(_INSERT, values)


_KNOWN = sa.text("SELECT to_regclass(:name) IS NOT NULL")
_SELECT = sa.text(f"SELECT 1 FROM {SCHEMA}.embedding_spaces WHERE id = :id")
_LOCK = sa.text(f"SELECT {advisory(SPACE_MADE, ':key')}")
_INSERT = sa.text(
    f"""
    INSERT INTO {SCHEMA}.embedding_spaces (id, provider, model, dimension, version)
    VALUES (:id, :provider, :model, :dimension, :version) ON CONFLICT (id) DO NOTHING
    """
)


def partition_ddl(space_id: UUID, dimension: int) -> list[str]:
    """The statements that make a space's partition; again they change nothing."""
    name = f"{SCHEMA}.{partition(space_id)}"
    reader = f"(user_id = nullif(current_setting('{USER_SETTING}', true), '')::uuid)"
    return [
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {SCHEMA}.chunk_vectors "
        f"(CHECK (vector_dims(embedding) = {dimension})) FOR VALUES IN ('{space_id}') "
        "WITH (toast_tuple_target = 8160)",
        # Policies of the parent do not bind a query that names the partition itself.
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"DROP POLICY IF EXISTS service ON {name}",
        f"CREATE POLICY service ON {name} TO {SERVICE_ROLE} USING (true) WITH CHECK (true)",
        f"DROP POLICY IF EXISTS reader ON {name}",
        f"CREATE POLICY reader ON {name} FOR SELECT TO {READER_ROLE} USING {reader}",
    ]


@retry_on_restart
async def needs_index(database: Database, space_id: UUID, minimum: int) -> bool:
    """Whether the space holds at least `minimum` vectors and has no HNSW index yet."""
    async with database.service() as connection:
        if await connection.scalar(_HAS_INDEX, {"name": f"{partition(space_id)}_hnsw"}):
            return False
        count = await connection.scalar(_COUNT, {"space": space_id, "minimum": minimum})
        return int(count or 0) >= minimum


_HAS_INDEX = sa.text(
    f"""
    SELECT EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                   WHERE relname = :name AND relnamespace = '{SCHEMA}'::regnamespace
                     AND indisvalid)
    """
)
_COUNT = sa.text(
    f"""
    SELECT count(*) FROM (
        SELECT FROM {SCHEMA}.chunk_vectors WHERE space_id = :space LIMIT :minimum
    ) AS counted
    """
)


async def build_index(
    database: Database,
    space_id: UUID,
    dimension: int,
    progress: Callable[[float], Awaitable[None]],
    *,
    anew: bool = False,
) -> None:
    """Build the space's HNSW index beside running writers; `progress` hears shares of 0 to 1.

    Args:
        anew: an index that is there answers until the new one takes its place.
    """
    name = f"{partition(space_id)}_hnsw"
    address = database.owner_address.set(drivername="postgresql")
    url = address.render_as_string(hide_password=False)
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, **LASTING)
    try:
        vectors = await _count(database, space_id)
        memory, options = _memory(database, vectors, dimension), built_with(vectors)
        await connection.execute(f"SET maintenance_work_mem = '{memory}kB'")
        # What a build that was cut off has left is invalid.
        left = f"{name}_ccnew" if anew else name
        await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {SCHEMA}.{left}")
        if anew:
            await _widen(connection, f"{SCHEMA}.{name}", options)
        statement = (
            f"REINDEX INDEX CONCURRENTLY {SCHEMA}.{name}"
            if anew
            else _creation(space_id, dimension, name, options)
        )
        build = asyncio.create_task(connection.execute(statement))
        while not (await asyncio.wait({build}, timeout=1))[0]:
            # others than who builds are not told how far it is
            async with database.owner() as watcher:
                done = float(await watcher.scalar(_PROGRESS) or 0)
            await progress(done)
        await build
        await connection.execute(f"COMMENT ON INDEX {SCHEMA}.{name} IS '{options}'")
        if options != KEPT_WITH:
            await connection.execute(f"ALTER INDEX {SCHEMA}.{name} SET ({KEPT_WITH})")
    finally:
        await connection.close()
    async with database.service() as connection_:
        await connection_.execute(_INDEXED, {"id": space_id})


async def _widen(connection: psycopg.AsyncConnection, index: str, options: str) -> None:
    """Set how an index is built anew; until it is, its comment says how the one there was built."""
    row = await (await connection.execute(BUILT_OF, [index])).fetchone()
    assert row is not None, "an index that is built anew is there"
    await connection.execute(f"COMMENT ON INDEX {index} IS 'ef_construction = {row[0]}'")
    await connection.execute(f"ALTER INDEX {index} SET ({options})")


async def rebuild_index(database: Database, space_id: UUID, dimension: int) -> bool:
    """Build the space's index anew, as `build_index` does; False when this process may not."""

    async def unheard(share: float) -> None:
        """Nobody watches it."""

    try:
        await build_index(database, space_id, dimension, unheard, anew=True)
    except (psycopg.Error, OSError):
        return False
    return True


def _creation(space_id: UUID, dimension: int, name: str, options: str) -> str:
    kind = indexed_type(dimension)
    operators = "vector_cosine_ops" if kind.startswith("vector") else "halfvec_cosine_ops"
    return (
        f"CREATE INDEX CONCURRENTLY {name} ON {SCHEMA}.{partition(space_id)} "
        f"USING hnsw ((embedding::{kind}) {operators}) WITH ({options})"
    )


_INDEXES = sa.text(
    f"""
    SELECT s.id, s.dimension FROM {SCHEMA}.embedding_spaces AS s
    WHERE EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                  WHERE relname = 'chunk_vectors_' || left(replace(s.id::text, '-', ''), 16)
                                  || '_hnsw'
                    AND relnamespace = '{SCHEMA}'::regnamespace AND indisvalid)
    ORDER BY s.id
    """
)


async def indexed_spaces(database: Database) -> list[tuple[UUID, int]]:
    """The spaces that have a vector index, with their dimensions."""
    async with database.service() as connection:
        return [(row.id, row.dimension) for row in await connection.execute(_INDEXES)]


_ALL = sa.text(f"SELECT id, dimension FROM {SCHEMA}.embedding_spaces ORDER BY id")


async def all_spaces(database: Database) -> list[tuple[UUID, int]]:
    """Every space, with its dimension."""
    async with database.service() as connection:
        return [(row.id, row.dimension) for row in await connection.execute(_ALL)]


_MISSING_INDEXES = sa.text(
    f"""
    SELECT id, dimension FROM {SCHEMA}.embedding_spaces WHERE indexed_at IS NOT NULL
    """
)


async def build_indexes(database: Database, minimum: int) -> None:
    """Build the indexes of spaces that had one and lack it now, as after a restore."""

    async def unheard(share: float) -> None:
        """Nobody watches."""

    async with database.service() as connection:
        spaces = [tuple(row) for row in await connection.execute(_MISSING_INDEXES)]
    for space_id, dimension in spaces:
        if await needs_index(database, space_id, minimum):
            await build_index(database, space_id, dimension, unheard)


async def _count(database: Database, space_id: UUID) -> int:
    async with database.service() as connection:
        return int(await connection.scalar(_VECTORS_OF, {"id": space_id}) or 0)


def _memory(database: Database, vectors: int, dimension: int) -> int:
    """In kB, what keeps the graph in memory: a build without it took 4.5 times as long.

    A vector takes four bytes a dimension and its neighbors about half a kilobyte.
    """
    needed = vectors * (4 * dimension + 512) // 1024
    return max(_LEAST_BUILD_KB, min(needed * 5 // 4, _most_build_kb(database)))


def _most_build_kb(database: Database) -> int:
    """Of a Postgres on this machine a quarter of its memory; of another's, what any server has."""
    if data_folder(database.owner_address) is None:
        return _MOST_BUILD_KB
    return max(_MOST_BUILD_KB, psutil.virtual_memory().total // 4096)


_VECTORS_OF = sa.text(f"SELECT count(*) FROM {SCHEMA}.chunk_vectors WHERE space_id = :id")
_LEAST_BUILD_KB, _MOST_BUILD_KB = 64 * 1024, 1024 * 1024
_PROGRESS = sa.text(
    "SELECT max(tuples_done::float / nullif(tuples_total, 0)) FROM pg_stat_progress_create_index"
)
_INDEXED = sa.text(f"UPDATE {SCHEMA}.embedding_spaces SET indexed_at = now() WHERE id = :id")


_INSTALLATION = sa.text(f"SELECT id FROM {SCHEMA}.installation")


async def installation_id(connection: AsyncConnection) -> UUID:
    """Names this database: another one, or this one emptied, has another id."""
    found: UUID = await connection.scalar(_INSTALLATION)
    return found
