"""Measure how ingestion grows with its workers: `python -m benchmarks.scaling` prints the table.

A run hands its batches over to one, two and four warm workers on this machine. The provider is the
limit: the mock server of OpenAI takes 300 ms a request, and a worker has few of them in flight, as
a contract with a provider has it. Each turn starts its workers one after the other, so that every
count is measured beside the others; the best of the turns stands in the table, because whatever
else the machine did only ever takes time away.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from benchmarks.bench import processor_seconds
from benchmarks.corpus import write_corpus
from benchmarks.servers import debian_postgres, ending, endpoint, prefect_database, prefect_server
from pipeline.child_processes import ROOT, child_environment, module_command

POOL = "navigator"
COUNTS = (1, 2, 4)
LATENCY_SECONDS = 0.3
START_SECONDS = 300.0
_FOREIGN = ("NAVIGATOR_", "PREFECT_", "OPENAI_", "LLAMA_")
_RUN = """
    SELECT extract(epoch FROM r.finished_at - r.started_at),
           (SELECT count(*) FROM upload_pipeline.run_jobs AS j
            JOIN upload_pipeline.upload_jobs AS u ON u.id = j.job_id
            WHERE j.run_id = r.id AND u.state = 'complete'),
           (SELECT count(DISTINCT e.actor) FROM upload_pipeline.run_jobs AS j
            JOIN upload_pipeline.job_events AS e ON e.job_id = j.job_id
            WHERE j.run_id = r.id AND e.to_state = 'complete')
    FROM upload_pipeline.ingest_runs AS r ORDER BY r.started_at DESC LIMIT 1
"""


@dataclass(frozen=True)
class Measured:
    """One run.

    Attributes:
        seconds: of the run, from its first row in the database to its last.
        workers: that published some of its documents.
        load: of the machine at its end, over a minute.
        processors: that the benchmark's own processes kept busy, with the command's start.
    """

    workers: int
    seconds: float
    load: float
    processors: float


@dataclass(frozen=True)
class Place:
    """Where the runs take place."""

    folder: Path
    corpus: Path
    documents: int
    database_url: str
    postmaster: int
    environment: dict[str, str]

    @contextmanager
    def worker(self, number: int) -> Iterator[None]:
        """A warm worker, once it asks for work."""
        log = self.folder / f"worker-{number}-{time.time_ns()}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                module_command("app", "worker", "--name", log.stem), env=self.environment,
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        with ending(process):
            deadline = time.monotonic() + START_SECONDS
            while "started!" not in log.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"a worker did not start: {log.read_text()}")
                time.sleep(0.1)
            yield

    def run(self, workers: int) -> Measured:
        """Ingest the corpus for a user of its own, for whom nothing is embedded yet."""
        busy = self._busy_seconds()
        began = time.monotonic()
        done = subprocess.run(
            module_command("app", "ingest", str(self.corpus), "--user", f"user-{time.time_ns()}",
                           "--json"),
            env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        used = (self._busy_seconds() - busy) / (time.monotonic() - began)
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(_RUN).fetchone()
        if done.returncode != 0 or row is None or row[1] != self.documents:
            raise RuntimeError(f"the run did not publish everything: {row} {done.stderr[-2000:]}")
        if row[2] != workers:
            raise RuntimeError(f"{row[2]} of {workers} workers took part")
        return Measured(workers, float(row[0]), os.getloadavg()[0], used)

    def _busy_seconds(self) -> float:
        """Processor seconds of all that the benchmark started; Postgres is nobody's child."""
        return processor_seconds(os.getpid()) + processor_seconds(self.postmaster)


@contextmanager
def place(options: argparse.Namespace) -> Iterator[Place]:
    """Postgres, Prefect with the batches' deployment, the mock server and a corpus."""
    from pipeline.store.embedded import start_embedded
    from pipeline.store.embedded_tools import postmaster_pid

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="navigator-scaling-")))
        folder.chmod(0o755)  # Postgres may run under an account of its own
        write_corpus(folder / "corpus", options.documents)
        mock = stack.enter_context(endpoint(LATENCY_SECONDS))
        database_url = start_embedded(folder / "postgres")
        programs = debian_postgres()
        if programs is None:
            prefects = f"sqlite+aiosqlite:///{folder / 'prefect.db'}"
        else:
            _, prefects = stack.enter_context(prefect_database(programs, folder / "prefect-data"))
        _, url = stack.enter_context(prefect_server(prefects, folder / "prefect"))
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
        environment = child_environment(kept) | {
            "PREFECT_API_URL": url,
            "PREFECT_HOME": str(folder / "client"),
            "NAVIGATOR_HOME": str(folder / "home"),
            "DATABASE_URL": database_url,
            "NAVIGATOR_WORK_POOL": POOL,
            "NAVIGATOR_EMBEDDER": "openai",
            "OPENAI_API_KEY": "sk-benchmark",
            "OPENAI_BASE_URL": mock.openai_url,
            "NAVIGATOR_EMBEDDING_CONCURRENCY": str(options.in_flight),
            "NAVIGATOR_EMBEDDING_BATCH_INPUTS": str(options.inputs),
            "NAVIGATOR_HNSW_MIN_VECTORS": str(10**9),
            "NAVIGATOR_PARSE_WORKERS": "1",
        }
        for arguments in (
            ("work-pool", "create", POOL, "--type", "process"),
            ("deploy", "--name", "ingest-documents"),
        ):
            subprocess.run(
                module_command("prefect", "--no-prompt", *arguments), env=environment, cwd=ROOT,
                check=True, capture_output=True,
            )  # fmt: skip
        postmaster = postmaster_pid(folder / "postgres")
        assert postmaster is not None
        yield Place(
            folder, folder / "corpus", options.documents, database_url, postmaster, environment
        )


def turn(where: Place) -> list[Measured]:
    """Every count once, with workers that are started as they are needed."""
    found = []
    with ExitStack() as stack:
        running = 0
        for count in COUNTS:
            for number in range(running, count):
                stack.enter_context(where.worker(number))
            running = count
            found.append(where.run(count))
            _tell(f"{count} workers: {found[-1].seconds:.1f} s, load {found[-1].load:.1f}")
    return found


def markdown(turns: list[list[Measured]], options: argparse.Namespace) -> str:
    """The table, with the best turn of each count, and what it was measured on."""
    best = {
        count: min((run for turn in turns for run in turn if run.workers == count),
                   key=lambda run: run.seconds)
        for count in COUNTS
    }  # fmt: skip
    one = best[1].seconds
    lines = ["| Warm workers | Run | Documents/s | Of linear | Promised | Processors busy | Load |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for count, run in best.items():
        promised = "–" if count == 1 else "≥ 0.85"
        lines.append(
            f"| {count} | {run.seconds:.1f} s | {options.documents / run.seconds:.1f} "
            f"| {one / run.seconds / count:.2f} | {promised} "
            f"| {run.processors:.1f} | {run.load:.1f} |"
        )
    said = (
        f"{options.documents} documents, best of {len(turns)} turns; "
        f"{LATENCY_SECONDS * 1000:.0f} ms a request, {options.in_flight} requests of "
        f"{options.inputs} texts in flight for each worker; {os.cpu_count()} processors."
    )
    return "\n".join([*lines, "", said])


def _tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print the table; `--json` prints every run instead."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--documents", type=int, default=800)
    parser.add_argument("--repeats", type=int, default=2, help="turns over all counts")
    parser.add_argument("--in-flight", type=int, default=1, help="requests of a worker at once")
    parser.add_argument("--inputs", type=int, default=8, help="texts in a request")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with place(options) as where:
        turns = [turn(where) for _ in range(options.repeats)]
    if options.json:
        print(json.dumps([[asdict(run) for run in each] for each in turns], indent=1))
    else:
        print(markdown(turns, options))


if __name__ == "__main__":
    main()
