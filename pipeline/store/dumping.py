"""Dumps the database's rows at one moment (snapshot), table by table, as binary COPY."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from pipeline.errors import DatabaseUnavailable
from pipeline.store.database_urls import driver_url
from pipeline.store.outages import unavailable
from pipeline.store.schema import DERIVED_TABLES, SCHEMA, SERVICE_ROLE, metadata
from pipeline.store.session_timeouts import LASTING, LONG_WORK

MADE_BY_MIGRATIONS = frozenset({"state_transitions"})
"""Tables whose rows are part of the schema: they are never saved and never loaded."""
_LEFT_OUT = MADE_BY_MIGRATIONS | {table.name for table in DERIVED_TABLES}
_KEYS_AT_ONCE = 10_000
_KEYS = f"""
    SELECT key COLLATE "C" FROM (
        SELECT storage_key AS key FROM {SCHEMA}.upload_jobs WHERE state <> 'deleted'
        UNION SELECT storage_key FROM {SCHEMA}.parsed_files
        WHERE state = 'done' AND storage_key IS NOT NULL
    ) AS named ORDER BY 1
"""
_COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ORDER BY attnum
"""


@dataclass(slots=True)
class Snapshot:
    """A snapshot of the database at one moment, whoever writes to it meanwhile.

    Attributes:
        revision: of its schema; contractions: that it has gone through since, by name.
        columns: of each table, in the order in which rows of users, documents, jobs and chunks
            can be loaded again.
        rows: of each table that has been read.
    """

    connection: psycopg.Connection
    revision: str
    columns: dict[str, list[str]]
    contractions: tuple[str, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)

    def table(self, name: str) -> Iterator[bytes]:
        """All rows of a table, in binary; `rows` has their number afterwards."""
        statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT BINARY)").format(
            names(self.columns[name]), sql.Identifier(SCHEMA, name)
        )
        with self.connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                for piece in copy:
                    yield bytes(piece)
            self.rows[name] = cursor.rowcount

    def objects(self) -> Iterator[str]:
        """The keys of the stored objects that rows name, each once, by the order of their bytes."""
        return object_keys(self.connection)

    def documents(self) -> int:
        """The number of documents, without the deleted ones, of which a row stays."""
        return document_count(self.connection)


@contextmanager
def snapshot(url: str) -> Iterator[Snapshot]:
    """Look at the database as it is now; nobody who writes is held up.

    Args:
        url: of a login that owns the schema and may take the pipeline's role.

    Raises:
        DatabaseUnavailable: it cannot be read.
    """
    try:
        with psycopg.connect(plain(url), **LASTING) as connection:
            for setting in LONG_WORK:
                connection.execute(setting)
            connection.commit()
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            revision = value(connection, f"SELECT version_num FROM {SCHEMA}.alembic_version")
            become_service(connection)
            found = known_columns(connection)
            yield Snapshot(connection, str(revision), found, _contractions(connection, found))
    except psycopg.Error as error:
        raise unavailable(error, driver_url(url)) from error


def _contractions(connection: psycopg.Connection, tables: Container[str]) -> tuple[str, ...]:
    if "schema_contractions" not in tables:
        return ()
    found = connection.execute(f"SELECT name FROM {SCHEMA}.schema_contractions ORDER BY name")
    return tuple(str(name) for (name,) in found)


def object_keys(connection: psycopg.Connection) -> Iterator[str]:
    """The keys of the stored objects that rows name, each once, by the order of their bytes."""
    with connection.cursor(name="objects") as cursor:
        cursor.itersize = _KEYS_AT_ONCE
        for (key,) in cursor.execute(_KEYS):
            yield str(key)


def document_count(connection: psycopg.Connection) -> int:
    """The number of documents, without the deleted ones, of which a row stays."""
    query = f"SELECT count(*) FROM {SCHEMA}.documents WHERE deleted_at IS NULL"
    return int(str(value(connection, query)))


def known_columns(connection: psycopg.Connection) -> dict[str, list[str]]:
    """The tables of ours that the database has, and their columns that can be written."""
    found = {}
    for table in metadata.sorted_tables:
        listed = connection.execute(_COLUMNS, [f"{SCHEMA}.{table.name}"]).fetchall()
        if listed and table.name not in _LEFT_OUT:
            found[table.name] = [str(name) for (name,) in listed]
    return found


def become_service(connection: psycopg.Connection) -> None:
    """Go on as the pipeline, which reaches every user's rows, until the transaction ends."""
    connection.execute(f"SET LOCAL ROLE {SERVICE_ROLE}")


def names(columns: list[str]) -> sql.Composed:
    """Columns as a list in SQL."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def value(connection: psycopg.Connection, query: str) -> object:
    """The one value that a query finds.

    Raises:
        DatabaseUnavailable: it finds none.
    """
    row = connection.execute(query).fetchone()
    if row is None:
        raise DatabaseUnavailable("The database is not one of this program's.")
    found: object = row[0]
    return found


def plain(url: str) -> str:
    """The URL as Postgres's own library reads it."""
    made = driver_url(url).set(drivername="postgresql")
    return made.render_as_string(hide_password=False)
