"""Sources that an operator added: their rows, who reads one now, and what came of the last run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import UsageError
from pipeline.source_definition import LastReading, SourceDefinition
from pipeline.store.engine import rows

_COLUMNS = """
    id, name, url, owner_id, rights, tags, exclude, options, credentials, sync, interval_seconds,
    cron, paused_at, last_run_id, read_at, counts, trouble
"""
_ADD = sa.text(
    """
    INSERT INTO sources (id, name, url, owner_id, rights, tags, exclude, options, credentials, sync,
                         interval_seconds, cron)
    VALUES (:id, :name, :url, :owner_id, CAST(:rights AS jsonb), CAST(:tags AS text[]),
            CAST(:exclude AS jsonb), CAST(:options AS jsonb), :credentials, :sync,
            :interval_seconds, :cron)
    ON CONFLICT (name) DO NOTHING RETURNING id
    """
)


async def add(connection: AsyncConnection, source: SourceDefinition) -> None:
    """Add a source.

    Raises:
        UsageError: there is one of this name.
    """
    values = {
        "id": source.id,
        "name": source.name,
        "url": source.url,
        "owner_id": source.user_id,
        "rights": json.dumps(source.rights),
        "tags": list(source.tags),
        "exclude": json.dumps(source.exclude),
        "options": json.dumps(source.options),
        "credentials": source.credentials,
        "sync": source.sync,
        "interval_seconds": source.interval_seconds,
        "cron": source.cron,
    }
    if await connection.scalar(_ADD, values) is None:
        raise UsageError(
            f"There is a source {source.name!r} already.",
            remedy="Choose another name, or remove it with `navigator source remove`.",
        )
    await connection.execute(_FREE)


_ALL = sa.text(f"SELECT {_COLUMNS} FROM sources ORDER BY name")
_NAMED = sa.text(f"SELECT {_COLUMNS} FROM sources WHERE name = :name")


async def all_sources(connection: AsyncConnection) -> list[SourceDefinition]:
    """Every source, by name."""
    return [_definition(row) for row in await rows(connection, _ALL)]


async def named(connection: AsyncConnection, name: str) -> SourceDefinition:
    """A source.

    Raises:
        UsageError: there is none of this name.
    """
    found = await rows(connection, _NAMED, {"name": name})
    if not found:
        raise UsageError(
            f"There is no source {name[:63]!r}.", remedy="`navigator source list` shows them."
        )
    return _definition(found[0])


def _definition(row: sa.RowMapping) -> SourceDefinition:
    last = None
    if row["last_run_id"] is not None:
        last = LastReading(row["last_run_id"], row["read_at"], row["counts"], row["trouble"])
    return SourceDefinition(
        url=row["url"],
        user_id=row["owner_id"],
        id=row["id"],
        name=row["name"],
        rights=tuple(row["rights"]),
        tags=tuple(row["tags"]),
        exclude=tuple(row["exclude"]),
        options=dict(row["options"]),
        credentials=row["credentials"],
        sync=row["sync"],
        interval_seconds=row["interval_seconds"],
        cron=row["cron"],
        paused_at=row["paused_at"],
        last=last,
    )


_PAUSE = sa.text(
    """
    UPDATE sources SET paused_at = CASE WHEN :paused THEN coalesce(paused_at, now()) END
    WHERE name = :name
    """
)
_REMOVE = sa.text("DELETE FROM sources WHERE name = :name")
# Also of what a run remembered that read a source while it was removed.
_FREE = sa.text(
    """
    WITH left_over AS (
        SELECT o.source, o.user_id FROM source_objects AS o
        WHERE o.source_id IS NOT NULL
          AND NOT EXISTS (SELECT FROM sources AS s WHERE s.id = o.source_id)
        ORDER BY o.source, o.user_id FOR UPDATE OF o
    )
    UPDATE source_objects AS o SET source_id = NULL FROM left_over AS l
    WHERE o.source = l.source AND o.user_id = l.user_id
    """
)


async def pause(connection: AsyncConnection, name: str, *, paused: bool) -> None:
    """Have no run read a source from now on, or have runs read it again."""
    await connection.execute(_PAUSE, {"name": name, "paused": paused})


async def remove(connection: AsyncConnection, name: str) -> None:
    """Forget a source; its documents stay, and another source may have them from now on."""
    await connection.execute(_REMOVE, {"name": name})
    await connection.execute(_FREE)


# A run that died holds its lease no longer; its own successor has its id.
_CLAIM = sa.text(
    """
    UPDATE sources AS s SET run_id = :run_id
    WHERE s.id = :id AND s.paused_at IS NULL AND NOT EXISTS (
        SELECT FROM ingest_runs AS r
        WHERE r.id = s.run_id AND r.id <> :run_id
          AND r.finished_at IS NULL AND r.held_until > now())
    RETURNING s.id
    """
)


async def claim(connection: AsyncConnection, source_id: UUID, run_id: UUID) -> bool:
    """Have this run read a source; false when another one does, or it is paused or gone.

    The run has to hold its lease already.
    """
    values = {"id": source_id, "run_id": run_id}
    return await connection.scalar(_CLAIM, values) is not None


_CONCLUDE = sa.text(
    """
    UPDATE sources SET run_id = NULL, last_run_id = :run_id, read_at = clock_timestamp(),
        counts = CAST(:counts AS jsonb), trouble = :trouble
    WHERE id = :id AND run_id = :run_id
    """
)


async def conclude(
    connection: AsyncConnection,
    source_id: UUID,
    run_id: UUID,
    counts: Mapping[str, int],
    trouble: str | None,
) -> None:
    """Note what came of a run that read a source."""
    values = {
        "id": source_id,
        "run_id": run_id,
        "counts": json.dumps(dict(counts)),
        "trouble": trouble,
    }
    await connection.execute(_CONCLUDE, values)
