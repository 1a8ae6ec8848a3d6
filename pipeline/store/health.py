"""What the database says of itself, for `doctor`."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import head_revision, rows
from pipeline.store.schema import READER_ROLE, SCHEMA, SERVICE_ROLE


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Versions and rights.

    Attributes:
        revision, head: the schema's revision, and the newest that this program knows.
        missing_roles: roles that the login may not become, or that do not exist.
        superuser: the login bypasses row-level security unless it changes its role.
    """

    postgres: str
    pgvector: str
    revision: str
    head: str
    missing_roles: tuple[str, ...]
    superuser: bool


_FACTS = sa.text(
    f"""
    SELECT current_setting('server_version') AS postgres,
           (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector,
           (SELECT version_num FROM {SCHEMA}.alembic_version) AS revision,
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser
    """  # noqa: S608
)
_ROLES = sa.text(
    """
    SELECT w.role FROM unnest(CAST(:roles AS text[])) AS w(role)
    LEFT JOIN pg_roles AS r ON r.rolname = w.role
    WHERE r.oid IS NULL OR NOT pg_has_role(current_user, r.oid, 'MEMBER')
    """
)


async def describe(connection: AsyncConnection) -> DatabaseFacts:
    """Versions and rights, seen by the login role (`Database.owner()`)."""
    facts = (await rows(connection, _FACTS))[0]
    roles = {"roles": [SERVICE_ROLE, READER_ROLE]}
    missing = (await connection.execute(_ROLES, roles)).scalars().all()
    return DatabaseFacts(head=head_revision(), missing_roles=tuple(missing), **facts)
