"""Reads what the database says of itself, for `doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.migrating import head_revision
from pipeline.store.schema import READER_ROLE, SERVICE_ROLE


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Versions.

    Attributes:
        revision, head: the schema's revision, and the newest that this program knows.
    """

    postgres: str
    pgvector: str
    revision: str
    head: str


@dataclass(frozen=True, slots=True)
class LoginRights:
    """What a login may.

    Attributes:
        missing_roles: roles that it may not become, or that do not exist.
        unbound: why row-level security does not bind it, before it takes a role.
    """

    login: str
    missing_roles: tuple[str, ...]
    unbound: tuple[str, ...]


_FACTS = sa.text(
    """
    SELECT current_setting('server_version') AS postgres,
           (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector,
           (SELECT version_num FROM alembic_version) AS revision
    """
)
_ROLES = sa.text(
    """
    SELECT w.role FROM unnest(CAST(:roles AS text[])) AS w(role)
    LEFT JOIN pg_roles AS r ON r.rolname = w.role
    WHERE r.oid IS NULL OR NOT pg_has_role(session_user, r.oid, 'MEMBER')
    """
)
_LOGIN = sa.text(
    "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = session_user"
)


async def describe(connection: AsyncConnection) -> DatabaseFacts:
    """Versions, seen by the pipeline (`Database.service()`)."""
    facts = (await rows(connection, _FACTS))[0]
    return DatabaseFacts(head=head_revision(), **facts)


async def rights(
    connection: AsyncConnection, roles: Sequence[str] = (SERVICE_ROLE, READER_ROLE)
) -> LoginRights:
    """What the login of this session may (`Database.login()`), and which of the roles it lacks."""
    [login] = await rows(connection, _LOGIN)
    missing = (await connection.execute(_ROLES, {"roles": list(roles)})).scalars().all()
    why = {"is a superuser": login["rolsuper"], "bypasses it": login["rolbypassrls"]}
    unbound = tuple(reason for reason, holds in why.items() if holds)
    return LoginRights(login["rolname"], tuple(missing), unbound[:1])


_TLS = sa.text("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl")


async def tls_version(connection: AsyncConnection) -> str | None:
    """The TLS version of this session as Postgres sees it, e.g. ``TLSv1.3``; None without."""
    found: str | None = await connection.scalar(_TLS)
    return found
