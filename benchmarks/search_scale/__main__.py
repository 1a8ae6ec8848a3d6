"""Measure search at scale: `python -m benchmarks.search_scale --passages 1000000 --users 1`.

Loads made-up passages straight into our tables, builds both indexes, and prints how long searches
take and whether their ten best are the exact ones. Each step is noted in the folder, so a run that
was cut off goes on; with another number of passages or users, name another folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.search_scale import loading, measuring
from benchmarks.search_scale.measuring import Timed
from benchmarks.search_scale.passages import questions
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.engine import Database
from pipeline.store.migrating import migrate

_STARTED = time.monotonic()


def say(what: str) -> None:
    """Tell how far it is."""
    load = os.getloadavg()[0]
    print(f"{time.monotonic() - _STARTED:7.0f} s  load {load:4.1f}  {what}", flush=True)


class Steps:
    """What is done already, with what came of it, in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.done: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}

    def once(self, name: str, do: Callable[[], Any]) -> Any:
        """Do a step, unless it was done before."""
        if name not in self.done:
            say(name)
            self.done[name] = do()
            self._file.write_text(json.dumps(self.done, indent=1))
        return self.done[name]


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(prog="benchmarks.search_scale", description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=1)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--compared", type=int, default=40, help="with the exact answers")
    parser.add_argument("--folder", type=Path, required=True, help="for Postgres's data")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    url = start_embedded(options.folder / "postgres")
    try:
        measure(options, url)
    finally:
        stop_embedded(options.folder / "postgres")


def measure(options: argparse.Namespace, url: str) -> None:
    """Take every step, and print the table."""
    steps = Steps(options.folder / f"{options.passages}-{options.users}.json")
    migrate(url)
    runner = asyncio.Runner()
    database = Database(url, pool_size=2)
    runner.run(loading.make_space(database))
    steps.once("load", lambda: loading.load(url, options.passages, options.users, say))
    words = steps.once("words", lambda: runner.run(loading.index_words(database, say)))
    vectors = steps.once("vectors", lambda: runner.run(loading.index_vectors(database, say)))
    asked = questions(options.questions, options.passages, options.users)
    say("searches")
    found = runner.run(_searches(database, asked, options.compared))
    runner.run(database.close())
    _print(found)
    for name, size in loading.sizes(url).items():
        print(f"{name}: {size / 2**20:,.0f} MB")
    print(f"word index built in {words:,.0f} s, vector index in {vectors:,.0f} s")
    print(f"memory of the searching process: {measuring.memory() / 2**20:,.0f} MB")


async def _searches(database: Database, asked: list[Any], compared: int) -> list[Timed]:
    timed = measuring.time_searches
    return [
        await timed(database, "words", measuring.by_words, asked, measuring.exact_words, compared),
        await timed(
            database, "vectors", measuring.by_vector, asked, measuring.exact_vectors, compared
        ),
        await timed(database, "hybrid", measuring.hybrid, asked),
    ]


def _print(found: list[Timed]) -> None:
    print("| search | p50 | p95 | ten best are the exact ones |\n|---|---|---|---|")
    for each in found:
        agreed = "" if each.agreed is None else f"{each.agreed} of {each.of}"
        print(f"| {each.name} | {each.p50:.0f} ms | {each.p95:.0f} ms | {agreed} |")


if __name__ == "__main__":
    main()
