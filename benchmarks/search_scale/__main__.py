"""Measure search at scale: `python -m benchmarks.search_scale --passages 1000000 --users 1`.

Loads made-up passages straight into our tables, builds both indexes, and prints how long searches
take and whether their ten best are the exact ones. Each step is noted in the folder, so a run that
was cut off goes on, and one that is started again only asks; with another number of passages or
users, name another folder. With `--rivals` it asks `ts_rank` with GIN and LangChain's hybrid too;
`benchmarks.search_scale.bm25s_rival` asks bm25s.
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

from benchmarks.search_scale import loading, measuring, rivals
from benchmarks.search_scale.exact import exact_answers
from benchmarks.search_scale.measuring import ProcessorTime, Timed
from benchmarks.search_scale.passages import Asked, questions
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
    parser.add_argument("--rivals", type=int, default=0, metavar="QUESTIONS", help="ask others too")
    parser.add_argument("--folder", type=Path, required=True, help="for Postgres's data")
    parser.add_argument("--only", nargs="+", default=_STEPS, choices=_STEPS)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    url = start_embedded(options.folder / "postgres")
    try:
        measure(options, url)
    finally:
        stop_embedded(options.folder / "postgres")


_STEPS = ("load", "words", "vectors", "exact", "searches")


def measure(options: argparse.Namespace, url: str) -> None:
    """Take every step that is wanted and was not taken before, and print the table."""
    steps = Steps(options.folder / f"{options.passages}-{options.users}.json")
    passages, users = options.passages, options.users
    migrate(url)
    runner = asyncio.Runner()
    database = Database(url, pool_size=2)
    runner.run(loading.make_space(database))
    asked = questions(options.questions, passages, users)
    work: dict[str, Callable[[], Any]] = {
        "load": lambda: loading.load(url, passages, users, say),
        "words": lambda: runner.run(loading.index_words(database, say)),
        "vectors": lambda: runner.run(loading.index_vectors(database, say)),
        "exact": lambda: exact_answers(asked, passages, users),
    }
    done = {name: steps.once(name, do) for name, do in work.items() if name in options.only}
    if "searches" in options.only:
        say("searches")
        processor = ProcessorTime(options.folder / "postgres")
        kinds = _kinds(done["exact"], users)
        found = runner.run(_searches(database, processor, asked, kinds))
        if options.rivals:
            built = steps.once("rivals", lambda: rivals.prepare(url))
            say(f"the others, their index built in {built:,.0f} s")
            found += rivals.time_rivals(url, processor, asked[: options.rivals])
        _print(found)
    runner.run(database.close())
    for name, size in loading.sizes(url).items():
        print(f"{name}: {size / 2**20:,.0f} MB")
    print(", ".join(f"{name}: {taken:,.0f} s" for name, taken in done.items() if name in _TIMED))
    print(f"memory of the searching process: {measuring.memory() / 2**20:,.0f} MB")


_TIMED = ("load", "words", "vectors")


Kind = tuple[str, measuring.Find, list[list[str]] | None]
"""Its name in the table, how it is asked, and the exact answers where they are known."""


def _kinds(exact: dict[str, Any], users: int) -> list[Kind]:
    kinds: list[Kind] = [
        ("words", measuring.by_words, exact["words"]),
        ("words, a tenth by role", measuring.by_words_in_a_role, None),
        ("words, a twentieth by tag", measuring.by_words_with_a_tag, None),
        ("vectors", measuring.by_vector, exact["vectors"]),
        ("hybrid", measuring.hybrid, None),
    ]
    # The tag goes by a document's number, as its user does: of several users, each has all or none.
    return kinds if users == 1 else [each for each in kinds if "tag" not in each[0]]


async def _searches(
    database: Database, processor: ProcessorTime, asked: list[Asked], kinds: list[Kind]
) -> list[Timed]:
    found = []
    for name, find, answers in kinds:
        found.append(await measuring.time_searches(database, processor, name, find, asked, answers))
        say(name)
    return found


def _print(found: list[Timed]) -> None:
    print(
        "| search | p50 | p95 | processor p50 | processor p95 | ten best are the exact ones |\n"
        "|---|---|---|---|---|---|"
    )
    for each in found:
        agreed = "" if each.agreed is None else f"{each.agreed} of {each.of}"
        times = " | ".join(f"{time:.0f} ms" for time in (*each.waited, *each.processor))
        print(f"| {each.name} | {times} | {agreed} |")


if __name__ == "__main__":
    main()
