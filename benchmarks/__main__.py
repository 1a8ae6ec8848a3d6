"""Measure speed and memory: a Markdown table on standard output, JSON in `benchmarks/results/`.

Everything runs on this machine: the floor and our flow in one warm process, a mock server for
OpenAI with 30 ms a request, the embedded Postgres, and a Prefect server. Takes some minutes; the
figures mean something only when nothing else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import measurements
from benchmarks.bench import DIMENSION, MODEL, Bench, bench
from benchmarks.measurements import Setting
from benchmarks.servers import LATENCY_SECONDS, debian_postgres
from benchmarks.table import markdown

RESULTS = Path(__file__).parent / "results"
PARTS = ("throughput", "changes", "subflows", "memory")
LONG = 10_000
SWEEP = (Setting(250, 2), Setting(500, 1), Setting(500, 2), Setting(1000, 1))
_NO_POSTGRES = (
    "Left out: Prefect on Postgres, because no Postgres with pg_trgm is installed "
    "(Debian: `apt install postgresql`)."
)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3, help="turns of floor and flow")
    parser.add_argument("--subflows", type=int, default=32, help="documents at batch size 1")
    parser.add_argument("--batch-size", type=int, help="without it, what a user gets")
    parser.add_argument("--concurrency", type=int, help="without it, what a user gets")
    parser.add_argument("--long", action="store_true", help=f"also {LONG:,} documents")
    parser.add_argument("--sweep", action="store_true", help="also try batch sizes")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure just this part")
    parser.add_argument("--server", choices=("postgres", "sqlite"), action="append")
    return parser.parse_args()


def measure(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """All that was asked for."""
    servers, left_out = options.server or ["postgres", "sqlite"], []
    if "postgres" in servers and debian_postgres() is None:
        servers = [kind for kind in servers if kind != "postgres"]
        left_out.append(_NO_POSTGRES)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "servers": {kind: _server(bench, kind, options) for kind in servers},
        "left_out": left_out,
    }


def _server(bench: Bench, kind: str, options: argparse.Namespace) -> dict[str, Any]:
    parts = options.only or PARTS
    setting = Setting(options.batch_size, options.concurrency)
    documents, repeats = options.documents, options.repeats
    found: dict[str, Any] = {}
    if set(parts) - {"memory"}:
        with bench.prefect(kind) as worker:
            found["start_up"] = _told("start-up", measurements.warm(bench, worker))
            if "throughput" in parts:
                found["throughput"] = _told(
                    "throughput",
                    measurements.throughput(bench, worker, documents, setting, repeats),
                )
            if options.sweep:
                found["sweep"] = [
                    _told("sweep", measurements.throughput(bench, worker, documents, each, repeats))
                    for each in SWEEP
                ]
            if "changes" in parts:
                found["changes"] = _told(
                    "changes", measurements.changes(bench, worker, documents, setting)
                )
            if "subflows" in parts:
                # On SQLite few at once: more only wait for its lock.
                found["per_document"] = _told(
                    "subflows",
                    measurements.per_document(
                        bench, worker, options.subflows, 4 if kind == "postgres" else 2, repeats
                    ),
                )
    # The flow's memory does not hang on the server's database, so one server is enough.
    if "memory" in parts and (kind == "postgres" or options.server == ["sqlite"]):
        found["memory"] = {
            str(size): _told("memory", measurements.memory(bench, kind, size, setting))
            for size in [documents, *([LONG] if options.long else [])]
        }
    return found


def _told(what: str, found: dict[str, Any]) -> dict[str, Any]:
    short = {key: value for key, value in found.items() if not isinstance(value, list | dict)}
    print(f"{time.strftime('%H:%M:%S')} {what}: {short}", file=sys.stderr, flush=True)
    return found


def _machine() -> str:
    return (
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start, "
        f"Python {platform.python_version()}, {MODEL} with {DIMENSION} dimensions, "
        f"{LATENCY_SECONDS * 1000:.0f} ms a request."
    )


def main() -> None:
    """Measure, print the table, keep the JSON."""
    options = arguments()
    # So that being stopped ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with bench() as surroundings:
        results = measure(surroundings, options)
    RESULTS.mkdir(exist_ok=True)
    name = results["at"].replace(":", "").replace("+0000", "Z")
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1))
    table = markdown(results)
    (RESULTS / f"{name}.md").write_text(table)
    print(table)


if __name__ == "__main__":
    main()
