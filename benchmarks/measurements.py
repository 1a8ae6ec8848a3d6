"""What is measured. Each figure stands beside its floor, taken in the same run in turns with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from benchmarks.bench import MODEL, Bench, rounded
from benchmarks.corpus import edit_paragraph
from benchmarks.worker import Worker

EDITED = 10
OUR_TASKS = 6
"""Task runs of a document's subflow."""


@dataclass(frozen=True)
class Setting:
    """How our side runs; None leaves it to the defaults."""

    batch_size: int | None = None
    concurrency: int | None = None

    def __str__(self) -> str:
        return f"batch {self.batch_size or 'default'}, {self.concurrency or 'default'} at once"


@contextmanager
def installation(bench: Bench, worker: Worker) -> Iterator[Path]:
    """An empty database and home folder that the worker's flows will use; the home."""
    home = bench.homes / f"home-{uuid4().hex[:6]}"
    home.mkdir()
    with bench.database() as url:
        worker.ask(
            "configure", home=str(home), database_url=url, openai_url=bench.endpoint.openai_url
        )
        yield home
    shutil.rmtree(home, ignore_errors=True)


def floor(bench: Bench, worker: Worker, folder: Path) -> dict[str, Any]:
    """The hand-written floor over a folder."""
    with bench.database() as url:
        used: dict[str, float] = {}
        with bench.processors(used):
            answer = worker.ask(
                "floor",
                folder=str(folder),
                database_url=url,
                openai_url=bench.endpoint.openai_url,
                model=MODEL,
            )
    return rounded(answer) | {"processors": used}


def ingest(bench: Bench, worker: Worker, folder: Path, setting: Setting) -> dict[str, Any]:
    """One run of the flow in the current installation, with what it asked of the endpoint."""
    bench.endpoint.reset()
    used: dict[str, float] = {}
    with bench.processors(used):
        answer = worker.ask(
            "ingest",
            folder=str(folder),
            batch_size=setting.batch_size,
            concurrency=setting.concurrency,
        )
    if answer["state"] != "Completed":
        raise RuntimeError(f"the flow ended as {answer['state']}: {answer['message']}")
    stats = bench.endpoint.stats()
    return rounded(answer) | {
        "processors": used,
        "inputs": stats["inputs"],
        "requests": stats["requests"],
    }


def warm(bench: Bench, worker: Worker) -> dict[str, Any]:
    """Start the worker up and let floor and flow run once over a few documents."""
    seconds = worker.ask("start_up", home=str(bench.scratch / f"own-{uuid4().hex[:6]}"))
    floor(bench, worker, bench.corpus(10))
    with installation(bench, worker):
        ingest(bench, worker, bench.corpus(10), Setting(5, 2))
    return rounded(seconds)


def throughput(
    bench: Bench, worker: Worker, documents: int, setting: Setting, repeats: int
) -> dict[str, Any]:
    """Floor and flow over the same corpus in turns; the median of the turns' ratios."""
    folder = bench.corpus(documents)
    turns = []
    for _ in range(repeats):
        below = floor(bench, worker, folder)
        with installation(bench, worker):
            above = ingest(bench, worker, folder, setting)
            steps = worker.ask("stages")
        ratio = below["seconds"] / above["seconds"]
        turns.append({"floor": below, "ours": above, "ratio": round(ratio, 4), "stages": steps})
    return {
        "documents": documents,
        "setting": str(setting),
        "ratio": median(turn["ratio"] for turn in turns),
        "floor_documents_per_second": documents / median(t["floor"]["seconds"] for t in turns),
        "documents_per_second": documents / median(t["ours"]["seconds"] for t in turns),
        "turns": turns,
    }


def changes(bench: Bench, worker: Worker, documents: int, setting: Setting) -> dict[str, Any]:
    """The same corpus again, unchanged, and again with a paragraph edited in ten documents."""
    folder = bench.scratch / "changing"
    shutil.copytree(bench.corpus(documents), folder)
    with installation(bench, worker):
        ingest(bench, worker, folder, setting)
        again = [ingest(bench, worker, folder, setting) for _ in range(3)]
        paths = sorted(folder.iterdir())
        for path in paths[:: len(paths) // EDITED][:EDITED]:
            edit_paragraph(path, "2026/11")
        edited = ingest(bench, worker, folder, setting)
    shutil.rmtree(folder)
    return {
        "documents": documents,
        "unchanged_seconds": median(each["seconds"] for each in again),
        "unchanged_inputs": sum(each["inputs"] for each in again),
        "edited_documents": EDITED,
        "edited_inputs": edited["inputs"],
        "edited_seconds": edited["seconds"],
        "turns": [*again, edited],
    }


def per_document(
    bench: Bench, worker: Worker, documents: int, concurrency: int, repeats: int
) -> dict[str, Any]:
    """A subflow for each document against as many that do nothing, without and with our tasks."""
    folder = bench.corpus(documents)
    turns = []
    for _ in range(repeats):
        empty, tasks = (
            worker.ask("subflows", count=documents, concurrency=concurrency, tasks=tasks)
            for tasks in (0, OUR_TASKS)
        )
        with installation(bench, worker):
            ours = ingest(bench, worker, folder, Setting(1, concurrency))
        turns.append({"empty": rounded(empty), "tasks": rounded(tasks), "ours": ours})
    return {
        "documents": documents,
        "concurrency": concurrency,
        "tasks": OUR_TASKS,
        "ratio": median(t["empty"]["seconds"] / t["ours"]["seconds"] for t in turns),
        "empty_per_second": documents / median(t["empty"]["seconds"] for t in turns),
        "tasks_ratio": median(t["empty"]["seconds"] / t["tasks"]["seconds"] for t in turns),
        "tasks_per_second": documents / median(t["tasks"]["seconds"] for t in turns),
        "per_second": documents / median(t["ours"]["seconds"] for t in turns),
        "turns": turns,
    }


def memory(bench: Bench, kind: str, documents: int, setting: Setting) -> dict[str, Any]:
    """The peak of resident memory in a fresh process that ingests a corpus once."""
    with bench.prefect(kind) as worker:
        warm(bench, worker)
        below = floor(bench, worker, bench.corpus(documents))
    with bench.prefect(kind) as worker:
        warm(bench, worker)
        with installation(bench, worker):
            above = ingest(bench, worker, bench.corpus(documents), setting)
            steps = worker.ask("stages")
    return {
        "documents": documents,
        "peak_megabytes": above["peak_megabytes"],
        "ratio": round(below["seconds"] / above["seconds"], 4),
        "documents_per_second": documents / above["seconds"],
        "floor": below,
        "ours": above,
        "stages": steps,
    }
