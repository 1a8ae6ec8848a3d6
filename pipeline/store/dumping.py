"""The whole database to one file and back, with Postgres's own programs."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from pipeline.errors import DatabaseUnavailable, UsageError
from pipeline.store.embedded_tools import program
from pipeline.store.engine import driver_url, head_revision, migrate
from pipeline.store.schema import SCHEMA, metadata


@dataclass(frozen=True, slots=True)
class DatabaseContents:
    """What a database holds.

    Attributes:
        revision: of its schema.
        rows: in each table.
        objects: keys of the stored objects that its rows name.
    """

    revision: str
    rows: dict[str, int]
    objects: frozenset[str]


_KEYS = sa.text(
    f"""
    SELECT storage_key FROM {SCHEMA}.upload_jobs WHERE state <> 'deleted'
    UNION SELECT storage_key FROM {SCHEMA}.parsed_files
    WHERE state = 'done' AND storage_key IS NOT NULL
    """  # noqa: S608
)


def dump(url: str, path: Path) -> DatabaseContents:
    """Write the database to a file, as it is at one moment; nobody who writes is held up.

    Raises:
        DatabaseUnavailable: it cannot be read.
    """
    engine = sa.create_engine(driver_url(url), isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            snapshot = connection.scalar(sa.text("SELECT pg_export_snapshot()"))
            found = contents(connection)
            _run(
                "pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={path}",
                f"--dbname={_plain(url)}",
            )  # fmt: skip
            return found
    finally:
        engine.dispose()


def load(url: str, path: Path) -> DatabaseContents:
    """Fill a database that holds nothing yet from a file, and bring it to the newest schema.

    Returns:
        What it held before it was brought to the newest schema.

    Raises:
        DatabaseUnavailable: the file cannot be loaded.
        UsageError: it was written by a newer version of this program.
    """
    migrate(url)  # for the roles, which belong to no database and so are in no dump
    engine = sa.create_engine(driver_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"DROP SCHEMA {SCHEMA} CASCADE"))
            connection.execute(sa.text("DROP EXTENSION vector CASCADE"))
        _run("pg_restore", "--exit-on-error", f"--dbname={_plain(url)}", str(path))
        with engine.begin() as connection:
            found = contents(connection)
            connection.execute(sa.text("ANALYZE"))
    finally:
        engine.dispose()
    migrate(url)
    return found


def contents(connection: sa.Connection) -> DatabaseContents:
    """What the database holds, as this connection sees it; a superuser sees all."""
    revision = connection.scalar(sa.text(f"SELECT version_num FROM {SCHEMA}.alembic_version"))  # noqa: S608
    present = set(sa.inspect(connection).get_table_names(SCHEMA))
    counted = {
        table.name: int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
        for table in metadata.sorted_tables
        if table.name in present
    }
    keys = connection.execute(_KEYS).scalars()
    return DatabaseContents(str(revision), counted, frozenset(keys))


def require_known(revision: str) -> None:
    """Make sure that this program can read a dump.

    Raises:
        UsageError: a newer version of it wrote the dump.
    """
    if revision > head_revision():
        raise UsageError(
            f"The backup has the schema {revision}, newer than this program's {head_revision()}.",
            remedy="Restore it with the version that wrote it, or a later one.",
        )


def _run(name: str, *arguments: str) -> None:
    environment = {**os.environ, "PGAPPNAME": "insurance-navigator"}
    done = subprocess.run(  # noqa: S603
        [str(program(name)), *arguments], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        said = next(iter(done.stderr.strip().splitlines()), "no reason given")
        raise DatabaseUnavailable(f"{name} ended with code {done.returncode}: {said[:200]}")


def _plain(url: str) -> str:
    made = driver_url(url).set(drivername="postgresql")
    return made.render_as_string(hide_password=False)
