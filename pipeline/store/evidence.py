"""Reads what shows that controls work: row-level security, the access log, erasures, releases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.access_log import Action
from pipeline.store.engine import Database, rows
from pipeline.store.schema import APPEND_ONLY, OPERATOR_TABLES, SCHEMA, SERVICE_ROLE, USER_TABLES

PAGE = 2000
_SECURED = [each.name for each in (*USER_TABLES, *OPERATOR_TABLES)]
_ROW_SECURITY = sa.text(
    """
    SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced
    FROM pg_class AS c
    WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relname = ANY(:names)
    ORDER BY c.relname
    """
)
_CHANGEABLE = sa.text(
    """
    SELECT name, has_table_privilege(:role, format('%I.%I', CAST(:schema AS text), name),
                                     'UPDATE, DELETE, TRUNCATE') AS changeable
    FROM unnest(CAST(:names AS text[])) AS t(name) ORDER BY name
    """
)
_ACCESS = sa.text(
    "SELECT action, count(*) AS times, max(at) AS last FROM access_log GROUP BY action "
    "ORDER BY action"
)
_ERASURES = sa.text(
    "SELECT at, user_id, actor_id, items AS documents FROM access_log WHERE action = :action "
    "ORDER BY at DESC LIMIT :most"
)
_RELEASES = sa.text(
    """
    SELECT environment, release_id, step, who, created_at, ended_at FROM rollouts
    ORDER BY created_at DESC LIMIT :most
    """
)
_MAINTENANCE = sa.text(
    """
    SELECT count(*) AS runs, max(started_at) AS last,
           (SELECT count(*) FROM maintenance_findings AS f WHERE f.person AND NOT f.mended
              AND f.run_id = (SELECT id FROM maintenance_runs ORDER BY finished_at DESC LIMIT 1)
           ) AS to_a_person
    FROM maintenance_runs
    """
)
_PROVIDERS = sa.text(
    """
    SELECT service, operation, count(*) AS calls, min(at) AS first, max(at) AS last
    FROM service_calls GROUP BY service, operation ORDER BY service, operation
    """
)
_LOG = sa.text(
    """
    SELECT id, at, user_id, actor_id, action, document_id, items FROM access_log
    WHERE id > :after AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
    ORDER BY id LIMIT :most
    """
)
MOST = 1000
"""Erasures and deployments that are told, newest first."""


async def facts(connection: AsyncConnection) -> dict[str, Any]:
    """What the database shows, by the names that the controls use; ids and counts alone."""
    secured = await rows(connection, _ROW_SECURITY, {"schema": SCHEMA, "names": _SECURED})
    names = {"schema": SCHEMA, "role": SERVICE_ROLE, "names": [each.name for each in APPEND_ONLY]}
    kept = await rows(connection, _CHANGEABLE, names)
    erased = {"action": Action.ERASURE.value, "most": MOST}
    return {
        "row_level_security": {each["name"]: each["forced"] for each in secured},
        "append_only": {each["name"]: not each["changeable"] for each in kept},
        "access": _plain(await rows(connection, _ACCESS)),
        "erasures": _plain(await rows(connection, _ERASURES, erased)),
        "releases": _plain(await rows(connection, _RELEASES, {"most": MOST})),
        "maintenance": _plain(await rows(connection, _MAINTENANCE))[0],
        "providers": _plain(await rows(connection, _PROVIDERS)),
    }


def _plain(found: Any) -> list[dict[str, Any]]:
    return [dict(each) for each in found]


async def access_log(database: Database, since: Any = None) -> AsyncIterator[dict[str, Any]]:
    """Every access since a time, oldest first; each page is a transaction of its own."""
    after = 0
    while True:
        async with database.service() as connection:
            values = {"after": after, "since": since, "most": PAGE}
            page = await rows(connection, _LOG, values)
        for row in page:
            yield dict(row)
        if len(page) < PAGE:
            return
        after = page[-1]["id"]
