"""Keeps what the watch reads off and no other table remembers, a row an hour.

Read without a lock; written in one short statement whose rows come in the order of their key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records, rows

KEPT_DAYS = 100

Key = tuple[str, str]
"""Measure, subject."""

_KEEP = sa.text(
    """
    INSERT INTO watch_figures (measure, subject, at, number, total, latest, least, most)
    SELECT measure, subject, date_trunc('hour', now(), 'UTC'), 1, value, value, value, value
    FROM unnest(CAST(:measures AS text[]), CAST(:subjects AS text[]), CAST(:values AS float[]))
        AS seen(measure, subject, value)
    ORDER BY measure, subject
    ON CONFLICT (measure, subject, at) DO UPDATE SET
        number = watch_figures.number + 1, total = watch_figures.total + excluded.latest,
        latest = excluded.latest, least = least(watch_figures.least, excluded.latest),
        most = greatest(watch_figures.most, excluded.latest)
    """
)
_FORGET = sa.text(
    f"""
    WITH old AS (
        SELECT measure, subject, at FROM watch_figures
        WHERE at < now() - interval '{KEPT_DAYS} days'
        ORDER BY measure, subject, at FOR UPDATE SKIP LOCKED
    )
    DELETE FROM watch_figures AS f USING old AS o
    WHERE f.measure = o.measure AND f.subject = o.subject AND f.at = o.at
    """
)
_READ = sa.text(
    """
    SELECT measure, subject, (extract(epoch FROM at - :since) / 3600)::int AS hour,
           total / number AS mean, latest, least, most
    FROM watch_figures WHERE at >= :since AND at < :until ORDER BY measure, subject, at
    """
)
_NOW = sa.text(
    """
    SELECT (SELECT pg_database_size(current_database())) AS database_bytes,
           (SELECT count(*) FROM processes
            WHERE kind = 'worker' AND seen_at > now() - interval '120 seconds') AS workers
    """
)


@dataclass(frozen=True, slots=True)
class KeptFigure:
    """What was read off in an hour.

    Attributes:
        hour: its number since the begin of what was asked for.
    """

    measure: str
    subject: str
    hour: int
    mean: float
    latest: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is read off the database now, beside its queue."""

    database_bytes: int
    workers: int


async def keep(connection: AsyncConnection, seen: Mapping[Key, float]) -> None:
    """Add what was read off to this hour's figures; forget what is older than `KEPT_DAYS`."""
    keys = sorted(seen)
    values = {
        "measures": [measure for measure, _ in keys],
        "subjects": [subject for _, subject in keys],
        "values": [seen[key] for key in keys],
    }
    await connection.execute(_KEEP, values)
    await connection.execute(_FORGET)


async def kept(connection: AsyncConnection, since: datetime, until: datetime) -> list[KeptFigure]:
    """What was kept from hour to hour; both are whole hours, `until` is left out."""
    return await records(connection, KeptFigure, _READ, {"since": since, "until": until})


async def gauges(connection: AsyncConnection) -> Gauges:
    """The database's size, and how many workers run."""
    return Gauges(**(await rows(connection, _NOW))[0])
