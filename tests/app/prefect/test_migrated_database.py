"""The database that a new Prefect server gets is what Prefect's own migrations end with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.prefect import migrated_database
from app.prefect.migrated_database import NAME, SCRIPT, put_database, script_of
from tests.prefect_server import PrefectServer


def test_it_is_what_the_migrations_make(prefect_server: PrefectServer, tmp_path: Path) -> None:
    """The script beside the module is the schema and the revision of a migrated server."""
    migrated = script_of(prefect_server.folder / NAME)
    assert SCRIPT.read_text("utf-8") == migrated
    put_database(tmp_path)
    assert script_of(tmp_path / NAME) == migrated
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_history_that_is_there_is_kept(tmp_path: Path) -> None:
    """A server's own database is never replaced."""
    (tmp_path / NAME).write_bytes(b"history")
    put_database(tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"history"


def test_another_prefect_migrates_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is put there for a version that the script is not of, nor when it breaks off."""
    monkeypatch.setattr(migrated_database, "version", lambda _: "9.9.9")
    put_database(tmp_path)
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    broken = tmp_path / "broken.sql"
    broken.write_text(SCRIPT.read_text("utf-8")[:20_000], "utf-8")
    monkeypatch.setattr(migrated_database, "SCRIPT", broken)
    put_database(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.sql"]


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    """What a killed process left half is made anew."""
    (tmp_path / f".{NAME}.draft").write_bytes(b"half")
    put_database(tmp_path)
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        assert database.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
