"""Postgres on a full disk: said so, with the folder, and all well once there is room."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.full_disk import DISK_FULL
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.engine import Database
from pipeline.store.outages import Outage

_PIECE = 1 << 20


@pytest.fixture
def small(scratch: Path) -> Iterator[Path]:
    """A file system that holds a Postgres and little more."""
    folder = scratch / "small"
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m,mode=0700", "tmpfs", str(folder)]
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    stop_embedded(folder / "postgres")
    subprocess.run(["umount", str(folder)], check=True)


def fill(path: Path) -> None:
    """Take all the room that is left."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(_PIECE))
        except OSError as error:
            assert error.errno == errno.ENOSPC, os.strerror(error.errno or 0)


async def test_a_full_disk_is_called_one(small: Path) -> None:
    """SQLSTATE 53100: a sentence with the folder; nothing is lost, and it goes on with room."""
    folder = small / "postgres"
    database = Database(start_embedded(folder))
    async with database.login() as connection:
        await connection.execute(sa.text("CREATE UNLOGGED TABLE filled (content text)"))
        await connection.execute(sa.text("INSERT INTO filled VALUES ('kept')"))
    much = "INSERT INTO filled SELECT repeat(md5(n::text), 60) FROM generate_series(1, 20000) AS n"
    fill(small / "filler")
    with pytest.raises(Outage) as full:
        async with database.login() as connection:
            await connection.execute(sa.text(much))
    assert (full.value.code, full.value.passing) == (DISK_FULL, False)
    assert full.value.message == f"The disk of Postgres ({folder}) is full."
    (small / "filler").unlink()
    async with database.login() as connection:
        await connection.execute(sa.text(much))
        kept = await connection.scalar(sa.text("SELECT count(*) FROM filled"))
    assert kept == 20001
    await database.close()
