"""Migrates the schema to its newest revision (Alembic), by its owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import ProgrammingError

from pipeline.errors import ConfigurationError
from pipeline.retry_policy import DATABASE_SECONDS
from pipeline.store.connection_retries import retry_while_away
from pipeline.store.database_roles import hand_over, show_revision
from pipeline.store.database_urls import Addresses, driver_url
from pipeline.store.outages import translated
from pipeline.store.schema import READER_ROLE, SCHEMA, SERVICE_ROLE
from pipeline.store.session_timeouts import LASTING, LONG_WORK

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
"""The folder of the migrations, and of the contractions."""
MINIMUM_POSTGRES = 150000
MINIMUM_PGVECTOR = (0, 8, 0)
_GRANTS_WITH = 160000
# Any constant will do, as long as every process uses the same one.
MIGRATION_LOCK = 6_208_130_271


def prepare(
    addresses: Addresses,
    *,
    patience_seconds: float = DATABASE_SECONDS,
    told: Callable[[str], None] | None = None,
    automatic: bool = True,
) -> None:
    """Bring the database to the newest schema as its owner, and let the pipeline's login work.

    Who owns the schema is asked only when something is to be done.

    Args:
        patience_seconds: how long a Postgres that is away is waited for, from its first failure on.
        told: called with a sentence when it is waited for.
        automatic: bring an older schema forward; otherwise only `navigator deploy` does.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        ConfigurationError: as of `migrate`; or the schema is older, and not to be brought forward.
    """
    url = driver_url(addresses.service)
    prepared = _prepare if automatic else _require_deployed
    retry_while_away(lambda: prepared(addresses), patience_seconds, told, url)


def _require_deployed(addresses: Addresses) -> None:
    with connected(addresses.service) as connection:
        current = current_revision(connection)
        if current is None or (current in known_revisions() and current < head_revision()):
            raise ConfigurationError(
                f"The database has {f'the schema {current}' if current else 'no schema yet'}, and "
                f"this program needs {head_revision()}.",
                remedy="Deploy this release with `navigator deploy`, or run the release that is "
                "deployed; NAVIGATOR_DATABASEMIGRATIONS=automatic lets every program migrate.",
            )
        _require_known(connection, current)


def _prepare(addresses: Addresses) -> None:
    if addresses.owner is None:
        migrate(addresses.service)
        return
    with connected(addresses.service) as connection:
        _require_versions(connection)
        lacking = _lacking(connection, addresses)
        if not any(lacking.values()) and current_revision(connection) == head_revision():
            return
    migrate(addresses.owner)
    with connected(addresses.owner) as connection:
        show_revision(connection)
        for login, roles in lacking.items():
            for role in missing_roles(connection, roles, of=login):
                _admit(connection, login, role)
        connection.commit()


def _lacking(connection: sa.Connection, addresses: Addresses) -> dict[str, list[str]]:
    """Which roles each login needs and is no member of."""
    login = str(connection.scalar(sa.text("SELECT session_user")))
    needed = {login: [SERVICE_ROLE, READER_ROLE]}
    if addresses.reader and (reader := driver_url(addresses.reader).username):
        needed = {login: [SERVICE_ROLE], reader: [READER_ROLE]}
    return {each: missing_roles(connection, roles, of=each) for each, roles in needed.items()}


def _admit(connection: sa.Connection, login: str, role: str) -> None:
    # Nothing is inherited, so that the login itself sees no user's rows.
    how = " WITH INHERIT FALSE, SET TRUE" if _server(connection) >= _GRANTS_WITH else ""
    named = connection.dialect.identifier_preparer.quote_identifier(login)
    grant = f"GRANT {role} TO {named}{how}"
    try:
        connection.execute(sa.text(grant))
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        raise ConfigurationError(
            f"The database login {login} is no member of the role {role}, and the schema's owner "
            "may not make it one.",
            remedy=f"As a superuser: {grant}; or set NAVIGATOR_DATABASE_READER_URL to a login of "
            "its own for reading.",
        ) from error


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to the newest schema, or an empty one to an older; several may at once.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        ConfigurationError: Postgres or pgvector is missing or too old, the schema is newer than
            this program, or this login may not change it.
    """
    with connected(url) as connection:
        _require_versions(connection)
        wanted = head_revision() if revision == "head" else revision
        current = current_revision(connection)
        if current == wanted:
            return
        _require_known(connection, current)
        if current is not None and current > wanted:
            return  # newer, and it still serves this program
        connection.rollback()
        for setting in LONG_WORK:
            connection.execute(sa.text(setting))
        connection.commit()
        connection.execute(sa.text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
        connection.commit()
        from alembic import command  # a fifth of a second that most commands need not spend

        command.upgrade(alembic_config(connection), wanted)
        show_revision(connection)
        hand_over(connection)
        connection.commit()
        connection.execute(sa.text(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})"))


def _require_known(connection: sa.Connection, revision: str | None) -> None:
    """Require that this program can work with the schema: it knows it, or it is still served.

    A newer release that was deployed has only added to the schema; see `schema_changes`.
    """
    if revision is None or revision in known_revisions():
        return
    if oldest_program(connection) <= head_revision():
        return
    raise ConfigurationError(
        f"The database has the schema {revision!r}, which this program does not know; its "
        f"newest is {head_revision()}.",
        remedy="Run the version that wrote it, or a later one; for this version restore a "
        "backup that it can read into an empty database.",
    )


_SERVES = sa.text(f"SELECT oldest_program FROM {SCHEMA}.installation")
_SAYS_SO = sa.text(
    f"""
    SELECT EXISTS (SELECT FROM information_schema.columns
                   WHERE table_schema = '{SCHEMA}' AND table_name = 'installation'
                     AND column_name = 'oldest_program')
    """
)


def oldest_program(connection: sa.Connection) -> str:
    """The oldest revision whose programs the schema still serves; its own when it does not say."""
    revision = str(current_revision(connection))
    if not connection.scalar(_SAYS_SO):
        return revision
    return str(connection.scalar(_SERVES))


def reachable_revision(url: str) -> str | None:
    """The revision of the schema that a login reaches; None when there is none yet.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        ConfigurationError: the login may not read it.
    """
    with connected(url) as connection:
        return current_revision(connection)


def missing_roles(
    connection: sa.Connection, roles: Sequence[str], of: str | None = None
) -> list[str]:
    """Which of the roles a login may not take, or do not exist; of this session's when None."""
    found = connection.execute(_MISSING, {"roles": list(roles), "login": of})
    return list(found.scalars())


_MISSING = sa.text(
    """
    SELECT w.role FROM unnest(CAST(:roles AS text[])) AS w(role)
    LEFT JOIN pg_roles AS r ON r.rolname = w.role
    LEFT JOIN pg_roles AS l ON l.rolname = coalesce(CAST(:login AS name), session_user)
    WHERE r.oid IS NULL OR l.oid IS NULL OR NOT pg_has_role(l.oid, r.oid, 'MEMBER')
    """
)


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """One connection that may change the schema, closed at the end.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        ConfigurationError: its login may not do what is asked.
    """
    engine = sa.create_engine(driver_url(url), connect_args=LASTING, hide_parameters=True)
    try:
        with translated(engine.url), engine.connect() as connection:
            yield connection
    except ProgrammingError as error:
        if isinstance(error.orig, InsufficientPrivilege):
            raise ConfigurationError(
                "The database login may not bring the schema to its newest revision.",
                remedy="Set NAVIGATOR_DATABASE_OWNER_URL to a login that owns the schema; it is "
                "used for migrations only.",
            ) from error
        raise
    finally:
        engine.dispose()


def alembic_config(connection: sa.Connection | None = None) -> Config:
    """What Alembic is told of our migrations."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head_revision() -> str:
    """The newest revision that this program knows: migrations are numbered in their order."""
    return max(known_revisions())


def known_revisions() -> frozenset[str]:
    """All revisions that this program can build."""
    scripts = (MIGRATIONS / "versions").glob("[0-9]*.py")
    return frozenset(each.name.partition("_")[0] for each in scripts)


# Looked up in the catalog, which everybody may read: who may not use the schema may not even ask
# whether there is a table in it.
_READABLE = sa.text(
    f"""
    SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = '{SCHEMA}' AND c.relname = 'alembic_version'
    """
)


def current_revision(connection: sa.Connection) -> str | None:
    """The schema's revision; None before the first."""
    readable = connection.scalar(_READABLE)
    if readable is None:
        return None
    if not readable and not missing_roles(connection, [SERVICE_ROLE]):
        connection.execute(sa.text(f"SET LOCAL ROLE {SERVICE_ROLE}"))
    revision: str | None = connection.scalar(
        sa.text(f"SELECT version_num FROM {SCHEMA}.alembic_version")
    )
    return revision


def _server(connection: sa.Connection) -> int:
    return int(connection.scalar(sa.text("SHOW server_version_num")) or 0)


def _require_versions(connection: sa.Connection) -> None:
    if (server := _server(connection)) < MINIMUM_POSTGRES:
        raise ConfigurationError(
            f"Postgres {server // 10000} is too old: 15 or newer is needed.",
            remedy="Point DATABASE_URL at a newer Postgres.",
        )
    vector: str | None = connection.scalar(
        sa.text("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
    )
    if vector is None or tuple(int(part) for part in vector.split(".")) < MINIMUM_PGVECTOR:
        raise ConfigurationError(
            f"pgvector 0.8 or newer is needed; this Postgres offers {vector or 'none'}.",
            remedy="Install pgvector there, or unset DATABASE_URL to use the embedded Postgres.",
        )
