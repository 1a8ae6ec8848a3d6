"""What services take, and what a watch makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from app.load.sampling import OWN, Watch, watching
from app.load.services import Usage, pids, usages
from pipeline.store.engine import Database
from tests.app.load.steps import look

BUSY = "import time\nwhile time.process_time() < 0.3: pass"
WAIT = "print(flush=True)\ninput()"


def test_a_service_is_its_process_with_its_children() -> None:
    """Processor and memory of a process include those of its children, also when they ended."""
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])\n{WAIT}"
    with subprocess.Popen(
        [sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = usages({"service": process.pid, "gone": 2**22})
        process.communicate(b"\n")
    assert list(found) == ["service"]
    assert found["service"].processor >= 0.3
    assert found["service"].memory > 1_000_000


def test_the_supervisor_counts_for_itself_alone() -> None:
    """The parent of all services is not counted with them."""
    with subprocess.Popen(
        [sys.executable, "-c", WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = usages({"supervisor": os.getpid(), "api": os.getpid()})
        process.communicate(b"\n")
    assert found["api"].memory > found["supervisor"].memory
    assert found["api"].processor >= found["supervisor"].processor


def test_no_stack_has_no_services(tmp_path: Path) -> None:
    """A home on which nothing runs tells of no service."""
    assert pids(tmp_path) == {}


def test_a_watch_says_averages_and_peaks() -> None:
    """Processors are averages over the time between the looks, memory is the most."""
    watch = Watch(
        [
            look(0, {"api": Usage(10, 300), "gone": Usage(1, 1)}, busy=100),
            look(5, {"api": Usage(11, 900)}, busy=104),
            look(10, {"api": Usage(15, 200), "new": Usage(1, 1)}, busy=115),
        ]
    )
    assert watch.cores() == {"api": 0.5}
    assert watch.memory()["api"] == 900
    assert watch.machine() == 1.5


async def test_watching_looks_at_the_beginning_and_the_end(
    database: Database, tmp_path: Path
) -> None:
    """However short the load, there is a look before it and one after it."""
    async with watching(database, tmp_path) as watch:
        assert len(watch.looks) == 1
    assert len(watch.looks) >= 2
    assert OWN in watch.cores()
    assert watch.looks[0].connections.most > 10
    assert watch.seconds > 0


async def test_a_database_that_is_away_is_missed(tmp_path: Path) -> None:
    """A look that the database does not answer is counted, and ends nothing."""
    away = Database("postgresql://nobody@127.0.0.1:1/none", patience_seconds=0)
    async with watching(away, tmp_path) as watch:
        pass
    assert (watch.looks, watch.missed) == ([], 2)
    assert (watch.cores(), watch.machine(), watch.memory()) == ({}, 0, {})
    await away.close()
