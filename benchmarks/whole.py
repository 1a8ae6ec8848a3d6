"""Measure whole processes side by side: `python -m benchmarks.whole` prints one table.

What a person waits for, start-up included, on text that anyone has (`benchmarks.real_corpus`) or
on the made-up corpus: `navigator ingest` into a home that does not exist, for another user of the
same home, again unchanged, again with ten edits, and one new PDF of four pages; beside it the
floor, and the peers that are asked for, with the same mock server of OpenAI and the same programs
of Postgres. The figures mean something only when nothing else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import contestants
from benchmarks.bench import Bench, bench
from benchmarks.contestants import Contestant
from benchmarks.corpus import document, edit_paragraph, write_corpus
from benchmarks.measurements import EDITED
from benchmarks.real_corpus import told, write_real_corpus
from pipeline.child_processes import ROOT

STEPS = ("cold", "warm", "unchanged", "edited", "pdf")
WORDS = {
    "cold": "{documents:,} documents, cold home",
    "warm": "{documents:,} documents, warm home",
    "unchanged": "the same again, unchanged",
    "edited": f"again, {EDITED} edited",
    "pdf": "one new PDF of four pages",
}
# Which steps others have: the floor keeps nothing, so that all is new to it each time.
FLOOR_STEPS = ("warm",)
PEER_STEPS = ("warm", "unchanged", "edited")
PDF_PAGES = 4
_HEAD = ("Who", "What", "Wall s", "Work s", "Processor s", "Postgres s", "Largest MB",
         "Together MB", "Requests", "Inputs", "Published")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    who: str
    step: str
    documents: int
    wall_seconds: float
    work_seconds: float
    own_seconds: float
    postgres_seconds: float
    largest_megabytes: float
    sum_megabytes: float
    requests: int
    inputs: int
    published: int | None


@dataclass(frozen=True)
class Round:
    """All steps of one contestant, in order, in folders that it may change."""

    bench: Bench
    corpus: Path
    steps: tuple[str, ...]

    def of(self, contestant: Contestant) -> Iterator[Line]:
        """Measure every step that is asked for; what a step builds on is done unmeasured."""
        folder = self.bench.scratch / f"documents-{contestant.name}"
        shutil.copytree(self.corpus, folder)
        try:
            if "cold" in self.steps:
                yield self._step(contestant, "cold", folder, "first")
            elif contestant.name == "ours":
                contestant.ingest(self.bench.corpus(EDITED), "first")
            if set(self.steps) & {"warm", "unchanged", "edited"}:
                line = self._step(contestant, "warm", folder, "second")
                if "warm" in self.steps:
                    yield line
            if "unchanged" in self.steps:
                yield self._step(contestant, "unchanged", folder, "second")
            if "edited" in self.steps:
                edit(folder)
                yield self._step(contestant, "edited", folder, "second")
            if "pdf" in self.steps:
                yield self._step(contestant, "pdf", write_pdf(self.bench.scratch), "second")
        finally:
            shutil.rmtree(folder)

    def _step(self, contestant: Contestant, step: str, folder: Path, user: str) -> Line:
        self.bench.endpoint.reset()
        work = contestant.ingest(folder, user)
        stats, found = self.bench.endpoint.stats(), work.measured
        line = Line(
            contestant.name, step, len(list(folder.iterdir())), found.wall_seconds, work.seconds,
            found.own_seconds, found.postgres_seconds, found.largest_megabytes,
            found.sum_megabytes, stats["requests"], stats["inputs"], work.published,
        )  # fmt: skip
        _tell(f"{line.who}, {step}: {line.wall_seconds:.1f} s")
        return line


def edit(folder: Path) -> None:
    """Change a paragraph in ten documents, spread over the folder."""
    paths = sorted(folder.iterdir())
    for path in paths[:: max(1, len(paths) // EDITED)][:EDITED]:
        edit_paragraph(path, "2026/11")


def write_pdf(scratch: Path) -> Path:
    """A folder with one made-up PDF of four pages."""
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

    folder = scratch / "pdf"
    folder.mkdir(exist_ok=True)
    styles = getSampleStyleSheet()
    story: list[object] = []
    for number in range(PDF_PAGES):
        title, *paragraphs = document(10**4 + number).strip().split("\n\n")
        story.append(Paragraph(title.lstrip("# "), styles["Title"]))
        story += [Paragraph(each.lstrip("# "), styles["BodyText"]) for each in paragraphs[:8]]
        story.append(PageBreak())
    SimpleDocTemplate(str(folder / "four-pages.pdf"), invariant=1).build(story)
    return folder


def measure(bench: Bench, options: argparse.Namespace) -> tuple[list[Line], str]:
    """Every line of the table, and what the corpus is."""
    corpus = bench.scratch / options.corpus
    if options.corpus == "real":
        said = told(write_real_corpus(corpus, options.documents))
    else:
        write_corpus(corpus, options.documents)
        said = f"{options.documents} made-up texts (`benchmarks/corpus.py`)."
    _tell(said)
    steps: tuple[str, ...] = tuple(options.step or STEPS)
    lines: list[Line] = []
    for who in options.who:
        if who == "ours":
            with contestants.ours(bench) as ours:
                lines += Round(bench, corpus, steps).of(ours)
        else:
            with contestants.floor(bench) as floor:
                lines += Round(bench, corpus, FLOOR_STEPS).of(floor)
    for name in options.peers:
        with contestants.peer(bench, name, options.environments) as peer:
            lines += Round(bench, corpus, tuple(s for s in PEER_STEPS if s in steps)).of(peer)
    return lines, said


def markdown(lines: list[Line], said: str) -> str:
    """The table, and under it what it was measured on."""
    rows = [_HEAD, tuple("---" for _ in _HEAD), *map(_cells, lines)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{table}\n\n{said} {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.\n"


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.who, WORDS[line.step].format(documents=line.documents),
        f"{line.wall_seconds:.1f}", f"{line.work_seconds:.1f}", f"{line.own_seconds:.1f}",
        f"{line.postgres_seconds:.1f}", f"{line.largest_megabytes:.0f}",
        f"{line.sum_megabytes:.0f}", f"{line.requests:,}", f"{line.inputs:,}",
        "–" if line.published is None else f"{line.published:,}",
    )  # fmt: skip


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whole", description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--corpus", choices=("real", "made-up"), default="real")
    parser.add_argument("--step", choices=STEPS, action="append", help="measure just this step")
    parser.add_argument("--who", type=_names("ours", "floor"), default=["ours", "floor"])
    parser.add_argument(
        "--peers", type=_names(*contestants.peers()), default=[],
        help=f"also these, separated by commas: {', '.join(contestants.peers())}",
    )  # fmt: skip
    parser.add_argument(
        "--environments", type=Path, default=ROOT, metavar="FOLDER",
        help="where the peers' packages are installed",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _names(*known: str) -> Callable[[str], list[str]]:
    def read(given: str) -> list[str]:
        names = [name for name in given.split(",") if name]
        if unknown := sorted(set(names) - set(known)):
            raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}")
        return names

    return read


def _tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with bench() as surroundings:
        lines, said = measure(surroundings, options)
    if options.json:
        print(json.dumps({"corpus": said, "lines": [asdict(line) for line in lines]}, indent=1))
    else:
        print(markdown(lines, said))


if __name__ == "__main__":
    main()
