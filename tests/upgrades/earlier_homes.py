"""Homes of earlier versions, made again from what is kept of them in `fixtures/`."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from pipeline.store.embedded_access import ADMINISTRATOR, address
from pipeline.store.embedded_identity import identity
from pipeline.store.embedded_starting import start
from pipeline.store.embedded_tools import postmaster, program, socket_folder, stop_postmaster

VERSIONS = ("0.1-sql", "0.1", "0.2")
"""Whose homes are kept, the oldest first; `fixtures/*.json` say of which commits they are."""

SQL_BACKUP = "0.1-sql"
"""The version whose backups hold SQL."""

OTHER_USER = "somebody"
LISTED = """
    SELECT coalesce(json_agg(row_to_json(d) ORDER BY d.user_id, d.source), '[]') FROM (
        SELECT d.user_id, d.source, d.id, d.versions, j.state, d.deleted_at IS NOT NULL AS deleted,
               d.published_job_id IS NOT NULL AS published,
               (SELECT coalesce(json_agg(c.id ORDER BY c.ordinal), '[]')
                FROM upload_pipeline.document_chunks AS c WHERE c.document_id = d.id) AS chunks
        FROM upload_pipeline.documents AS d
        LEFT JOIN upload_pipeline.upload_jobs AS j ON j.id = d.latest_job_id) AS d
"""
"""What a home holds, in columns that every version has."""

FIXTURES = Path(__file__).parent / "fixtures"
DOCUMENTS = Path("/tmp/navigator-earlier/documents")
"""Where the documents lay that the fixtures were made of."""


@dataclass(frozen=True, slots=True)
class Running:
    """A Postgres that was started as it is: nothing was migrated, no login was made."""

    folder: Path

    def ask(self, statement: str) -> tuple[Any, ...]:
        """The only row of a statement."""
        with psycopg.connect(address(self.folder, ADMINISTRATOR)) as connection:
            row = connection.execute(statement).fetchone()
        assert row is not None
        return row

    def dump(self) -> str:
        """Roles, schema and rows, as Postgres's own program writes them."""
        return self._run("pg_dumpall", "--quote-all-identifiers")

    def load(self, script: str) -> None:
        """Run a dump; the role that runs it is there already."""
        self._run("psql", "--quiet", "--dbname=postgres", script=script)

    def _run(self, name: str, *arguments: str, script: str | None = None) -> str:
        where = [f"--host={socket_folder(self.folder)}", f"--username={ADMINISTRATOR}"]
        return subprocess.run(
            [str(program(name)), *where, *arguments], input=script, check=True, text=True,
            capture_output=True,
        ).stdout  # fmt: skip


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Start the Postgres of a data folder without anything of the pipeline's own."""
    start(folder, identity(), remake=False)
    try:
        yield Running(folder)
    finally:
        if (process := postmaster(folder)) is not None:
            stop_postmaster(process)


def expected(version: str) -> dict[str, Any]:
    """What that version's database said when the fixture was made."""
    found: dict[str, Any] = json.loads((FIXTURES / f"{version}.json").read_text())
    return found


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier version left.

    Attributes:
        home: its folder, with its database and its stored files.
        documents: what was taken in, as it was last.
        backup: what its `navigator backup` saved.
    """

    home: Path
    documents: Path
    backup: Path

    def here(self, source: str) -> str:
        """Where a source lies now that lay among the fixture's documents."""
        return source.replace(str(DOCUMENTS), str(self.documents))


def make_earlier(version: str, folder: Path) -> Earlier:
    """Fill an empty folder with what a version left; the rows name the documents where they are."""
    with tarfile.open(FIXTURES / f"{version}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    made = Earlier(folder / "home", folder / "documents", folder / "home.backup")
    script = (folder / "database.sql").read_text()
    with running(made.home / "postgres") as database:
        database.load(script.replace(str(DOCUMENTS), str(made.documents)))
    return made


def backup_of(version: str, folder: Path) -> Path:
    """The backup alone."""
    with tarfile.open(FIXTURES / f"{version}.tar.xz") as archive:
        archive.extract("home.backup", folder, filter="data")
    return folder / "home.backup"
