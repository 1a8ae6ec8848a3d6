"""Who takes part in `benchmarks.whole`: ours, the floor, and peers in environments of their own.

A peer is a folder under `benchmarks/peers` with an `adapter.py` and its pinned `requirements.txt`.
The adapter gets one JSON object as its argument (``folder``, ``database_url``, ``openai_url``,
``model``) and prints one with ``seconds``, the time of the work without start-up.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import psutil

from benchmarks.bench import MODEL, Bench
from benchmarks.processes import CommandFailed, Measured, measured
from pipeline.child_processes import ROOT, child_environment, module_command
from pipeline.store.embedded_tools import postmaster, postmaster_pid, stop_postmaster

PEERS = Path(__file__).parent / "peers"
_FOREIGN = ("NAVIGATOR_", "PREFECT_", "OPENAI_", "LLAMA_")
_INSTALLED = ".benchmark-requirements"


@dataclass(frozen=True, slots=True)
class Work:
    """What a contestant did in one command.

    Attributes:
        seconds: of the work itself, as the contestant tells it.
        published: documents that can be found afterwards; None where it does not tell.
    """

    measured: Measured
    seconds: float
    published: int | None


class Contestant(Protocol):
    """Takes folders in, one command for each."""

    name: str

    def ingest(self, folder: Path, user: str) -> Work:
        """Take in what is new or changed in a folder, as a whole process."""
        ...


@dataclass
class Ours:
    """`navigator ingest` as a person types it: its own home, Postgres and Prefect server."""

    name: str
    home: Path
    environment: dict[str, str]

    def ingest(self, folder: Path, user: str) -> Work:
        """Take in a folder for a user of its own."""
        command = module_command("app", "ingest", str(folder), "--user", user, "--json")
        # 1 is also a run of which a document failed: the table says how many were published.
        found = measured(command, self.environment, self.home.parent, self._postmaster, fine=(0, 1))
        report = json.loads(found.output)
        if "documents" not in report:
            raise CommandFailed(f"`navigator ingest` did not run: {found.output}")
        published = sum(each["state"] == "complete" for each in report["documents"])
        return Work(found, report["seconds"], published)

    def _postmaster(self) -> int | None:
        return postmaster_pid(self.home / "postgres")


@contextmanager
def ours(bench: Bench) -> Iterator[Ours]:
    """A home that does not exist yet; what runs for it ends afterwards."""
    home = bench.scratch / f"home-{uuid4().hex[:6]}"
    kept = {k: v for k, v in os.environ.items() if not k.startswith((*_FOREIGN, "DATABASE_URL"))}
    environment = child_environment(kept) | {
        "NAVIGATOR_HOME": str(home),
        "NAVIGATOR_EMBEDDER": "openai",
        # No contestant builds a vector index of its own accord.
        "NAVIGATOR_HNSW_MIN_VECTORS": str(10**9),
        "OPENAI_API_KEY": "sk-benchmark",
        "OPENAI_BASE_URL": bench.endpoint.openai_url,
    }
    try:
        yield Ours("ours", home, environment)
    finally:
        for process in _at_home(home):
            process.terminate()
        if (running := postmaster(home / "postgres")) is not None:
            stop_postmaster(running)


def _at_home(home: Path) -> list[psutil.Process]:
    """What still runs for a home beside its Postgres."""
    found = []
    for process in psutil.process_iter():
        try:
            named = process.environ().get("NAVIGATOR_HOME") == str(home)
        except (psutil.Error, OSError):
            continue
        if named and process.name() != "postgres":
            found.append(process)
    return found


@dataclass
class Adapter:
    """The floor or a peer: a command that gets the benchmark's own Postgres."""

    name: str
    command: list[str]
    environment: dict[str, str]
    bench: Bench
    database_url: str

    def ingest(self, folder: Path, user: str) -> Work:
        """Take in a folder; there is one user only."""
        asked = {
            "folder": str(folder), "database_url": self.database_url,
            "openai_url": self.bench.endpoint.openai_url, "model": MODEL,
        }  # fmt: skip
        command = [*self.command, json.dumps(asked)]
        pid = self.bench.watched["Postgres"]
        found = measured(command, self.environment, self.bench.scratch, lambda: pid)
        answer = json.loads(found.output.splitlines()[-1])
        return Work(found, answer["seconds"], answer.get("documents"))


@contextmanager
def floor(bench: Bench) -> Iterator[Adapter]:
    """The hand-written floor, in a database of its own."""
    with bench.database() as url:
        command = module_command("benchmarks.floor")
        yield Adapter("floor", command, child_environment(os.environ), bench, url)


@contextmanager
def peer(bench: Bench, name: str, environments: Path) -> Iterator[Adapter]:
    """A peer in a database of its own, with its packages installed when they are not yet."""
    python = installed(name, environments)
    kept = {k: v for k, v in os.environ.items() if not k.startswith((*_FOREIGN, "PYTHON"))}
    with bench.database() as url:
        command = [str(python), "-P", str(PEERS / name / "adapter.py")]
        yield Adapter(name, command, kept, bench, url)


def peers() -> list[str]:
    """The peers that there are."""
    return sorted(path.parent.name for path in PEERS.glob("*/adapter.py"))


def installed(name: str, environments: Path) -> Path:
    """The interpreter of a peer's environment, made when asked for the first time.

    Raises:
        CommandFailed: its packages cannot be installed.
    """
    requirements = PEERS / name / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    folder = environments / f".venv-bench-{name}"
    python, note = folder / "bin" / "python", folder / _INSTALLED
    if not (note.exists() and note.read_text() == digest):
        _tell(f"installing {name} into {folder}")
        venv.create(folder, clear=True, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--no-deps", "--requirement", requirements],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        if done.returncode != 0:
            raise CommandFailed(f"{name} cannot be installed: {done.stderr[-2000:]}")
        note.write_text(digest)
    return python


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
