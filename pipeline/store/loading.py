"""Loads untrusted rows into a database, as data, by a role without rights over anything else.

The schema is made by our own migrations. Rows come in by COPY into a temporary table of the
pipeline's role and from there by INSERT, because row-level security refuses COPY; so every
constraint, trigger and policy is asked, and nothing that stands in the rows is ever executed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from psycopg import sql

from pipeline.errors import UsageError
from pipeline.store import schema_changes
from pipeline.store.database_urls import driver_url
from pipeline.store.dumping import (
    become_service,
    document_count,
    known_columns,
    names,
    object_keys,
    plain,
)
from pipeline.store.embedding_spaces import partition_ddl
from pipeline.store.load_checks import faults
from pipeline.store.migrating import connected, migrate
from pipeline.store.outages import unavailable
from pipeline.store.schema import SCHEMA
from pipeline.store.session_timeouts import LASTING, LONG_WORK

MOST_SPACES = 1_000
_MOST_IDENTITY = 2**62
# Classes of SQLSTATE: the connection, resources such as the disk, an operator, the system. A value
# that is shorter than its type is told as a violation of the protocol.
_NOT_OF_ROWS = frozenset({"", "08", "53", "57", "58"})
_SHORT_VALUE = "08P01"
_STAGED = sql.Identifier("pg_temp", "staged")
_SPACES = f"SELECT id, dimension FROM {SCHEMA}.embedding_spaces LIMIT {MOST_SPACES + 1}"
_UNTRUSTED_SETTINGS = """
    UPDATE {} SET settings = settings - '{{embedder,embedder_block,embedding_model,
        embedding_dimension,openai_base_url,onnx_folder,api_key}}'::text[]
    WHERE settings->>'embedder' IS DISTINCT FROM 'wordllama'
"""
_IDENTITIES = f"""
    SELECT c.relname, a.attname, pg_get_serial_sequence(c.oid::regclass::text, a.attname)
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = '{SCHEMA}'::regnamespace AND a.attidentity <> ''
"""


class UnfitRows(UsageError):
    """Rows that the database does not take, or that do not belong together."""

    remedy = "Take another backup; nothing was changed."


@dataclass(slots=True)
class Loader:
    """Fills an empty database; nothing of it is there before `loading` ends well.

    Each table is filled, then `finish` is called.

    Attributes:
        columns: of each table that can be filled.
        rows: loaded, for each table.
    """

    connection: psycopg.Connection
    columns: dict[str, list[str]]
    rows: dict[str, int] = field(default_factory=dict)

    def require(self, tables: Mapping[str, Sequence[str]]) -> None:
        """Make sure that these are our tables and their columns, all of them and no other.

        Raises:
            UnfitRows: one is unknown, or missing.
        """
        for name in {*tables, *self.columns}:
            if sorted(tables.get(name, ())) != sorted(self.columns.get(name, ())):
                known = name in self.columns
                raise UnfitRows(
                    f"The backup's table {name} has other columns than ours."
                    if known and name in tables
                    else f"The backup lacks the table {name}."
                    if known
                    else "The backup has a table that is not one of ours."
                )

    def fill(self, name: str, columns: Sequence[str], pieces: Iterable[bytes]) -> None:
        """Load a table's rows, which come as a binary COPY.

        Args:
            columns: of the table, in the order of the rows' values; see `require`.

        Raises:
            UnfitRows: the database does not take them.
        """
        order, table = list(columns), sql.Identifier(SCHEMA, name)
        with _refused(name):
            self._execute("CREATE TEMP TABLE staged (LIKE {}) ON COMMIT DROP", table)
            copying = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)")
            with (
                self.connection.cursor() as cursor,
                cursor.copy(copying.format(_STAGED, names(order))) as copy,
            ):
                for piece in pieces:
                    copy.write(piece)
            if name == "installation":  # the migrations made one
                self._execute("DELETE FROM {}", table)
            done = self._execute(
                "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}",
                table, names(order), names(order), _STAGED,
            )  # fmt: skip
            self.rows[name] = done.rowcount
            self._execute("DROP TABLE {}", _STAGED)
        if name == "embedding_spaces":
            self._make_partitions()
            # Whoever made the backup says where texts and a key are sent; a person has to want it.
            if "settings" in order:
                self._execute(_UNTRUSTED_SETTINGS, table)
        if name == "sources":
            # Whoever made the backup says what they read; a person has to want it here.
            self._execute("UPDATE {} SET paused_at = coalesce(paused_at, now())", table)

    def _execute(self, statement: str, *parts: sql.Composable) -> psycopg.Cursor:
        return self.connection.execute(sql.SQL(statement).format(*parts))

    def _make_partitions(self) -> None:
        spaces: list[tuple[UUID, int]] = self.connection.execute(_SPACES).fetchall()
        if len(spaces) > MOST_SPACES:
            raise UnfitRows(f"The backup has more than {MOST_SPACES:,} embedding spaces.")
        self.connection.execute("RESET ROLE")
        for space_id, dimension in spaces:
            for statement in partition_ddl(space_id, dimension):
                self.connection.execute(statement)
        become_service(self.connection)

    def objects(self) -> Iterator[str]:
        """The keys of the stored objects that the rows name, by the order of their bytes."""
        return object_keys(self.connection)

    def documents(self) -> int:
        """The number of documents, without the deleted ones, of which a row stays."""
        return document_count(self.connection)

    def finish(self) -> None:
        """Make sure that the rows belong together, and let new ones be numbered after them.

        Raises:
            UnfitRows: they do not.
        """
        with _refused("document_chunks"):
            self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for sentence in faults(self.connection, self.columns):
            raise UnfitRows(sentence)
        highest = list(self._highest())
        self.connection.execute("RESET ROLE")
        for sequence, number in highest:
            self.connection.execute("SELECT setval(%s::regclass, %s)", [sequence, number])
        self.connection.execute("ANALYZE")
        become_service(self.connection)

    def _highest(self) -> Iterator[tuple[str, int]]:
        for table, column, sequence in self.connection.execute(_IDENTITIES).fetchall():
            found = self._execute(
                "SELECT min({}), max({}) FROM {}",
                sql.Identifier(column), sql.Identifier(column), sql.Identifier(SCHEMA, table),
            ).fetchone()  # fmt: skip
            if found is None or found[1] is None:
                continue
            if not 1 <= found[0] <= found[1] <= _MOST_IDENTITY:
                raise UnfitRows(f"The backup's table {table} has numbers that nobody gave out.")
            yield sequence, int(found[1])


@contextmanager
def loading(url: str, revision: str, contractions: Sequence[str] = ()) -> Iterator[Loader]:
    """Fill a database that holds nothing yet, and bring it to the newest schema at the end.

    Args:
        url: of a login that owns the schema and may take the pipeline's role.
        revision: of the schema that the rows are of; contractions: that it had gone through.

    Raises:
        UnfitRows: what came is not fit; nothing of it is in the database.
        DatabaseUnavailable: it went away, or has no room.
    """
    migrate(url, revision)
    _contract(url, contractions)
    try:
        with psycopg.connect(plain(url), **LASTING) as connection:
            for setting in LONG_WORK:
                connection.execute(setting)
            connection.commit()
            become_service(connection)
            loader = Loader(connection, known_columns(connection))
            yield loader
    except psycopg.Error as error:
        raise unavailable(error, driver_url(url)) from error
    migrate(url)


def _contract(url: str, names: Sequence[str]) -> None:
    """Take away what the rows do not have any more; their own note of it comes with them."""
    known = {each.name: each for each in schema_changes.contractions()}
    if unknown := [name for name in names if name not in known]:
        raise UnfitRows(
            f"The backup's schema has gone through {unknown[0]!r:.60}, which this program does "
            "not know.",
            remedy="Restore it with the version that wrote it, or a later one.",
        )
    with connected(url) as connection:
        for name in names:
            known[name].apply(connection)
        connection.commit()


@contextmanager
def _refused(table: str) -> Iterator[None]:
    """Tell of rows that Postgres refuses, by the table alone: its own words quote them."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if state[:2] in _NOT_OF_ROWS and state != _SHORT_VALUE:
            raise
        raise UnfitRows(
            f"The backup's table {table} holds rows that the database does not take "
            f"(SQLSTATE {state})."
        ) from None
