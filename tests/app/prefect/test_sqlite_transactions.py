"""Transactions of Prefect's server on SQLite wait for each other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rooms import ROOT

READS_THEN_WRITES = """
import asyncio, sys
import sqlalchemy as sa
from app.prefect.sqlite_transactions import take_the_lock_first

async def main():
    from prefect.server.database import provide_database_interface
    db = provide_database_interface()
    async with db.session_context(begin_transaction=True) as session:
        await session.execute(sa.text("CREATE TABLE heartbeats (worker INTEGER)"))

    async def heartbeat(worker):
        async with db.session_context(begin_transaction=True) as session:
            await session.execute(sa.text("SELECT count(*) FROM heartbeats"))
            await asyncio.sleep(0.1)
            await session.execute(sa.text(f"INSERT INTO heartbeats VALUES ({worker})"))

    await asyncio.gather(*map(heartbeat, range(4)))
    async with db.session_context(begin_transaction=True) as session:
        await session.execute(sa.text("SELECT count(*) FROM heartbeats"))
        for begins in (False, True):
            async with asyncio.timeout(20), db.session_context(begin_transaction=begins) as inner:
                await inner.execute(sa.text("SELECT count(*) FROM heartbeats"))
    async with db.session_context() as session:
        print((await session.execute(sa.text("SELECT count(*) FROM heartbeats"))).scalar())

if "waits" in sys.argv:
    take_the_lock_first()
asyncio.run(main())
"""


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    database = f"sqlite+aiosqlite:///{folder / 'prefect.db'}"
    variables = {"PREFECT_API_DATABASE_CONNECTION_URL": database, "PREFECT_HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", READS_THEN_WRITES, *arguments],
        env=os.environ | variables, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_one_that_reads_before_it_writes_is_not_refused(tmp_path: Path) -> None:
    """Four that read, and then write, all write; one that reads within another does not wait."""
    done = _run(tmp_path, "waits")
    assert done.stdout == "4\n", done.stderr[-2000:]


@pytest.mark.long
def test_prefect_alone_refuses_it(tmp_path: Path) -> None:
    """Without ours, one of them is refused at once: when this fails, Prefect has mended it."""
    assert "database is locked" in _run(tmp_path).stderr
