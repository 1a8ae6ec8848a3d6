"""`python -m benchmarks.reliability`: success, recovery and variation, as a Markdown table.

- success: a thousand mixed documents, some broken on purpose, through the real command;
- deaths: documents under way in `navigator up` while parts of it, or the command, are killed;
- variation: the same document again and again on the warm path;
- recovery: a backup while documents are taken in, the home destroyed, and all of it back.

Takes about a quarter of an hour on two cores; the figures mean something only when nothing else
runs, so the load of the machine is told with them. Everything is kept as JSON and Markdown in
`benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.reliability import deaths, recovery, success, variation
from benchmarks.reliability.table import markdown

RESULTS = Path(__file__).parents[1] / "results"
PARTS = ("success", "deaths", "variation", "recovery")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure just this part")
    parser.add_argument("--documents", type=int, default=1000, help="mixed documents")
    parser.add_argument("--rounds", type=int, default=20, help="deaths of each kind")
    parser.add_argument("--kill", choices=deaths.KINDS, action="append", help="just these deaths")
    parser.add_argument("--under-way", type=int, default=12, help="documents in each round")
    parser.add_argument("--repeats", type=int, default=100, help="times of the same document")
    parser.add_argument(
        "--corpora", type=int, nargs="+", default=[100, 1000], help="documents to recover"
    )
    return parser


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All that was asked for."""
    parts: dict[str, Callable[[Path], dict[str, Any]]] = {
        "success": lambda scratch: success.measure(scratch, options.documents),
        "deaths": lambda scratch: deaths.measure(
            scratch, options.kill or deaths.KINDS, options.rounds, options.under_way
        ),
        "variation": lambda _: variation.measure(options.repeats),
        "recovery": lambda scratch: recovery.measure(scratch, options.corpora),
    }
    results: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds")}
    loads = []
    for name in options.only or PARTS:
        loads.append(f"{os.getloadavg()[0]:.1f} before {name}")
        with _scratch() as folder:
            results[name] = parts[name](folder)
        print(f"{time.strftime('%H:%M:%S')} {name} done", file=sys.stderr, flush=True)
    machine = f"{os.cpu_count()} processors, Python {platform.python_version()}; load "
    return results | {"machine": machine + ", ".join(loads) + "."}


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nav-rel-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Measure, print the tables, keep the JSON."""
    options = parser().parse_args()
    # So that being stopped ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = measure(options)
    RESULTS.mkdir(exist_ok=True)
    name = "reliability-" + results["at"].replace(":", "").replace("+0000", "Z")
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1))
    table = markdown(results)
    (RESULTS / f"{name}.md").write_text(table)
    print(table)


if __name__ == "__main__":
    main()
