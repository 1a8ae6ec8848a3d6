"""What a run of the benchmark stands on: scratch folder, corpora, servers, processor clocks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psutil

from benchmarks.corpus import write_corpus
from benchmarks.servers import Endpoint, debian_postgres, endpoint, prefect_database, prefect_server
from benchmarks.worker import Worker, worker

MODEL, DIMENSION = "text-embedding-3-small", 1536


@dataclass
class Bench:
    """What every measurement uses.

    Attributes:
        homes: where our flows' home folders lie, objects included: in memory where there is such a
            place. ext4 takes up to ten times as long to make a file for some minutes after many
            were deleted, so one measurement's clearing up would be paid by the next. The floor
            stores no files.
    """

    scratch: Path
    homes: Path
    postgres: str
    endpoint: Endpoint
    watched: dict[str, int] = field(default_factory=dict)

    def corpus(self, documents: int) -> Path:
        """The corpus of that size, written once."""
        folder = self.scratch / f"corpus-{documents}"
        if not folder.exists():
            write_corpus(folder, documents)
        return folder

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty database of its own, dropped afterwards."""
        name = f"bench_{uuid4().hex[:8]}"
        self._administer(f"CREATE DATABASE {name}")
        self._administer("CREATE EXTENSION vector", name)
        try:
            yield _in(self.postgres, name)
        finally:
            self._administer(f"DROP DATABASE {name} WITH (FORCE)")
            # Else the checkpoint of one measurement is paid by the next.
            self._administer("CHECKPOINT")

    def _administer(self, statement: str, database: str | None = None) -> None:
        import psycopg

        url = _in(self.postgres, database) if database else self.postgres
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)

    @contextmanager
    def prefect(self, kind: str) -> Iterator[Worker]:
        """A warm worker on a Prefect server that keeps its tables in ``postgres`` or ``sqlite``."""
        with ExitStack() as stack:
            folder = self.scratch / f"prefect-{uuid4().hex[:6]}"
            folder.mkdir()
            url = None
            if kind == "postgres":
                programs = debian_postgres()
                assert programs is not None, "asked for only when installed"
                pid, database = stack.enter_context(
                    prefect_database(programs, self.scratch / f"pg-{uuid4().hex[:6]}")
                )
                self.watched["Prefect's Postgres"] = pid
                pid, url = stack.enter_context(prefect_server(database, folder))
                self.watched["Prefect server"] = pid
            yield stack.enter_context(worker(folder, url))
        for name in ("Prefect's Postgres", "Prefect server"):
            self.watched.pop(name, None)

    @contextmanager
    def processors(self, used: dict[str, float]) -> Iterator[None]:
        """Fill `used` with the processor seconds of every server during the block."""
        before = {name: processor_seconds(pid) for name, pid in self.watched.items()}
        yield
        for name, pid in self.watched.items():
            used[name] = round(processor_seconds(pid) - before[name], 3)


@contextmanager
def bench() -> Iterator[Bench]:
    """Start what all measurements share; everything is gone afterwards."""
    from pipeline.store.embedded import start_embedded

    scratch = Path(tempfile.mkdtemp(prefix="navigator-bench-"))
    # The servers may run under an account of their own.
    scratch.chmod(0o755)
    memory = Path("/dev/shm")
    homes = Path(
        tempfile.mkdtemp(prefix="navigator-bench-", dir=memory if memory.is_dir() else None)
    )
    try:
        with endpoint() as mock:
            url = start_embedded(scratch / "postgres")
            postmaster = int((scratch / "postgres" / "postmaster.pid").read_text().split()[0])
            yield Bench(scratch, homes, url, mock, {"Postgres": postmaster, "endpoint": mock.pid})
    finally:
        for folder in (scratch, homes):
            shutil.rmtree(folder, ignore_errors=True)


def processor_seconds(pid: int) -> float:
    """Of a process with all its children, those that ended included."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        try:
            spent = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system
    return float(total)


def rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers short enough to read."""
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}


def _in(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
