"""`python -m benchmarks.fidelity FOLDER`: scores of the local parser on PDFs of your own.

Words, neighbors and pages are compared with poppler's `pdftotext`, which the product does not use.
Rows of tables are compared with rows read off the page by a person (`--gold rows.jsonl`, one
`{"file", "page", "cells"}` a line, `file` relative to FOLDER), and with the rows that pdfplumber
finds by ruled lines, where it is installed. pdfplumber is no truth: it splits rows at underlines
and loses merged cells, so its rows are a lower bound.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fidelity.readers import READERS, installed, pdftotext
from benchmarks.fidelity.scores import (
    Share,
    is_whole,
    markdown_rows,
    neighbors_found,
    words_found,
    words_right,
)


@dataclass(slots=True)
class Scores:
    """What one reader made of all files."""

    found: Share = field(default_factory=Share)
    right: Share = field(default_factory=Share)
    neighbors: Share = field(default_factory=Share)
    with_text: Share = field(default_factory=Share)
    rows: Share = field(default_factory=Share)
    ruled: Share = field(default_factory=Share)
    pages: int = 0
    seconds: float = 0.0
    failed: int = 0
    missed: list[str] = field(default_factory=list)


def main() -> None:
    """Read every PDF below the folder with every reader, and print a table."""
    options = _options()
    gold = _gold(options.gold)
    names = [name for name in options.readers.split(",") if installed(name)]
    files = sorted(options.folder.rglob("*.pdf"))[: options.limit]
    scores = {name: Scores() for name in names}
    for path in files:
        content = path.read_bytes()
        truth = pdftotext(content) or []
        ruled = _ruled_rows(content) if options.ruled and installed("pdfplumber") else {}
        wanted = gold.get(path.relative_to(options.folder).as_posix(), {})
        for name in names:
            _score(scores[name], name, path.name, content, truth, wanted, ruled)
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    _print(scores, len(files))
    if options.missed:
        for line in scores["ours"].missed:
            print(line)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gold", type=Path, help="rows read off the page by a person")
    parser.add_argument("--readers", default=",".join(READERS), help="which, with commas")
    parser.add_argument("--ruled", action="store_true", help="compare with pdfplumber's rows too")
    parser.add_argument("--limit", type=int, default=None, help="the first so many files alone")
    parser.add_argument("--missed", action="store_true", help="name the gold rows we missed")
    return parser.parse_args()


def _gold(path: Path | None) -> dict[str, dict[int, list[list[str]]]]:
    rows: dict[str, dict[int, list[list[str]]]] = defaultdict(lambda: defaultdict(list))
    for line in path.read_text("utf-8").splitlines() if path else ():
        row = json.loads(line)
        rows[row["file"]][row["page"]].append(row["cells"])
    return rows


def _ruled_rows(content: bytes) -> dict[int, list[list[str]]]:
    """The rows that pdfplumber finds in tables of at least three ruled columns, by page."""
    import io

    import pdfplumber

    lines = {"vertical_strategy": "lines", "horizontal_strategy": "lines"}
    rows: dict[int, list[list[str]]] = defaultdict(list)
    with pdfplumber.open(io.BytesIO(content)) as document:
        for number, page in enumerate(document.pages, 1):
            for table in page.extract_tables(lines):
                cells = [[" ".join((cell or "").split()) for cell in row] for row in table]
                if cells and len(cells[0]) >= 3 and len(cells) >= 2:
                    rows[number] += [row for row in cells if sum(map(bool, row)) >= 2]
            page.close()
    return rows


def _score(
    scores: Scores,
    name: str,
    file: str,
    content: bytes,
    truth: list[str],
    wanted: dict[int, list[list[str]]],
    ruled: dict[int, list[list[str]]],
) -> None:
    started = time.process_time()
    try:
        pages = READERS[name](content)
    except Exception as error:
        scores.failed += 1
        print(f"{name} failed on a file: {type(error).__name__}", file=sys.stderr)
        return
    scores.seconds += time.process_time() - started
    scores.pages += len(truth) or len(pages)
    expected, got = "\n".join(truth), "\n".join(pages)
    scores.found += words_found(expected, got)
    scores.right += words_right(expected, got)
    paged = len(pages) == len(truth)
    for number, text in enumerate(truth, 1):
        ours = pages[number - 1] if paged else got
        scores.neighbors += neighbors_found(text, ours)
        if text.strip():
            scores.with_text += Share(bool(ours.strip()), 1)
    for target, source in ((scores.rows, wanted), (scores.ruled, ruled)):
        for number, rows in source.items():
            own = markdown_rows(pages[number - 1] if paged else got)
            for row in rows:
                whole = is_whole(row, own)
                target += Share(whole, 1)
                if not whole and source is wanted:
                    scores.missed.append(f"{file} page {number}: {row[1][:50]}")


def _print(scores: dict[str, Scores], files: int) -> None:
    print(f"{files} files. Processor time of one process; all figures in one run.")
    print("| reader | rows whole | ruled rows | words found | words right | neighbors |", end="")
    print(" pages with text | pages/s | failed |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, each in scores.items():
        speed = f"{each.pages / each.seconds:.1f}" if each.seconds else "–"
        cells = (each.rows, each.ruled, each.found, each.right, each.neighbors, each.with_text)
        print(f"| {name} | {' | '.join(map(str, cells))} | {speed} | {each.failed} |")


if __name__ == "__main__":
    main()
