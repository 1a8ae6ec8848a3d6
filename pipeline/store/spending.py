"""Adds up what was spent between two days (UTC): by day, service, user, source, document or run.

Read only, as far as the connection's role may see. Days and services are of the ledger of calls;
users, sources and documents of the shares that jobs were billed, by the day the job was made. A
request for several users at once is nobody's in the ledger, and each one's share in the jobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records, rows

MOST_ROWS = 1000


class By(StrEnum):
    """What spending is added up by."""

    DAY = "day"
    SERVICE = "service"
    USER = "user"
    SOURCE = "source"
    DOCUMENT = "document"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Spending:
    """What one of them cost.

    Attributes:
        key: a day, a service with its operation, or an id.
        name: for a person; empty where the key says it.
        number: calls of a day or service, documents of a user or source, versions of a document.
        pages: sent or read; 0 where it is not known.
        tokens: billed.
    """

    key: str
    name: str
    number: int
    pages: int
    tokens: int
    cost_usd: Decimal


_FIGURES = """
    count(*)::int AS number, coalesce(sum(j.pages), 0)::int AS pages,
    coalesce(sum(j.billed_tokens), 0)::bigint AS tokens, sum(j.cost_usd) AS cost_usd
"""
_CALLS = """
    count(*)::int AS number, 0 AS pages, coalesce(sum(tokens), 0)::bigint AS tokens,
    sum(cost_usd) AS cost_usd
"""
_WITHIN = """
    >= CAST(:since AS date) AT TIME ZONE 'UTC' AND {0} < CAST(:until AS date) AT TIME ZONE 'UTC'
"""


def _between(column: str) -> str:
    return column + _WITHIN.format(column)


_STATEMENTS = {
    By.DAY: f"""
        SELECT (at AT TIME ZONE 'UTC')::date::text AS key, '' AS name, {_CALLS}
        FROM service_calls WHERE {_between("at")} GROUP BY 1 ORDER BY 1
    """,
    By.SERVICE: f"""
        SELECT service || ' ' || operation AS key, '' AS name, {_CALLS}
        FROM service_calls WHERE {_between("at")}
        GROUP BY service, operation ORDER BY sum(cost_usd) DESC, 1
    """,
    By.USER: f"""
        SELECT j.user_id::text AS key, '' AS name, {_FIGURES}
        FROM upload_jobs AS j WHERE {_between("j.created_at")}
        GROUP BY j.user_id ORDER BY sum(j.cost_usd) DESC, 1
    """,
    By.SOURCE: f"""
        SELECT coalesce(o.source_id::text, '') AS key,
               CASE WHEN o.source_id IS NULL THEN 'files and uploads' ELSE '' END AS name,
               {_FIGURES}
        FROM upload_jobs AS j JOIN documents AS d ON d.id = j.document_id
        LEFT JOIN source_objects AS o ON o.source = d.source AND o.user_id = d.user_id
        WHERE {_between("j.created_at")} GROUP BY o.source_id ORDER BY sum(j.cost_usd) DESC, 1
    """,
    By.DOCUMENT: f"""
        SELECT j.document_id::text AS key, min(d.name) AS name, {_FIGURES}
        FROM upload_jobs AS j JOIN documents AS d ON d.id = j.document_id
        WHERE {_between("j.created_at")}
        GROUP BY j.document_id ORDER BY sum(j.cost_usd) DESC, 1
    """,
    By.RUN: f"""
        SELECT r.id::text AS key, r.kind AS name,
               (SELECT count(*) FROM run_jobs AS m WHERE m.run_id = r.id)::int AS number,
               0 AS pages,
               coalesce((SELECT sum(c.tokens) FROM service_calls AS c WHERE c.run_id = r.id),
                        0)::bigint AS tokens, r.cost_usd
        FROM ingest_runs AS r WHERE {_between("r.started_at")}
        ORDER BY r.cost_usd DESC, r.started_at DESC
    """,
}
_SOURCES = sa.text("SELECT id::text AS id, name FROM sources")
_TOTAL = sa.text(f"SELECT coalesce(sum(cost_usd), 0) FROM service_calls WHERE {_between('at')}")


async def spending(connection: AsyncConnection, by: By, since: date, until: date) -> list[Spending]:
    """What was spent from `since` on, before `until`; the most expensive first, days in order."""
    statement = sa.text(f"{_STATEMENTS[by]} LIMIT {MOST_ROWS}")
    return await records(connection, Spending, statement, {"since": since, "until": until})


async def total(connection: AsyncConnection, since: date, until: date) -> Decimal:
    """What all calls cost in that time."""
    found: Decimal = await connection.scalar(_TOTAL, {"since": since, "until": until})
    return found


async def source_names(connection: AsyncConnection) -> dict[str, str]:
    """The names of added sources by their ids; for operators, no reader sees them."""
    return {row["id"]: row["name"] for row in await rows(connection, _SOURCES)}
