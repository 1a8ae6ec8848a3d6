"""A full disk is called one, whoever meets it first."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from pipeline.full_disk import full_disk, says_full


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_the_systems_numbers_are_known(number: int) -> None:
    """No space left, and no quota left, also behind the error that they led to."""
    try:
        try:
            raise OSError(number, os.strerror(number))
        except OSError as error:
            raise RuntimeError("the report was not written") from error
    except RuntimeError as error:
        assert says_full(error)
    assert not says_full(OSError(errno.EACCES, os.strerror(errno.EACCES)))


def test_a_full_sqlite_is_known(tmp_path: Path) -> None:
    """SQLite, which Prefect's server keeps its history in, says it in words alone."""
    with sqlite3.connect(tmp_path / "small.db") as database:
        database.execute("PRAGMA max_page_count = 3")
        database.execute("CREATE TABLE filled (content blob)")
        with pytest.raises(sqlite3.OperationalError) as full:
            database.execute("INSERT INTO filled VALUES (zeroblob(100000))")
    database.close()
    assert says_full(full.value)


def test_the_sentence_names_the_folder(tmp_path: Path) -> None:
    """What happened, where, and what to do."""
    error = full_disk(tmp_path)
    assert error.message == f"The disk of {tmp_path} is full."
    assert error.remedy.startswith("Free some room there")
