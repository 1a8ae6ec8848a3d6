"""Measure the HTTP API: a Markdown table on standard output, JSON in `benchmarks/results/`.

Fifty clients of fifty users upload and ask for the status twice a second, while the worker takes
their documents through and ingests a corpus beside them; then the same clients do the same to a
hand-written API on the same Postgres, while the worker goes on. Afterwards, on
the quiet system, a ten-page PDF from its upload to its first search hit. About five minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.api import searchable
from benchmarks.api.clients import Timings, drive
from benchmarks.api.system import System, system, until_answered
from benchmarks.bench import Bench, bench
from benchmarks.servers import ROOT, ending
from pipeline.child_processes import module_command
from pipeline.loopback import free_port

RESULTS = Path(__file__).parent.parent / "results"
REPEATS = 3
INGESTS = 8


def main() -> None:
    """Measure, print the table, keep the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=40)
    options = parser.parse_args()
    with (
        bench() as surroundings,
        surroundings.database() as url,
        system(surroundings, url) as running,
    ):
        results = _measured(surroundings, running, url, options)
    results["at"] = datetime.now(UTC).isoformat(timespec="seconds")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"api-{results['at'].replace(':', '').replace('+0000', 'Z')}.json").write_text(
        json.dumps(results, indent=1)
    )
    print(table(results))


def _measured(
    bench: Bench, running: System, url: str, options: argparse.Namespace
) -> dict[str, Any]:
    headers = [
        {"Authorization": f"Bearer {running.token(f'client-{number}')}"}
        for number in range(options.clients)
    ]
    quiet = [_searchable(bench, running, url, headers[0], turn) for turn in range(REPEATS + 1)][1:]
    _start_ingestion(bench, running)
    ours = asyncio.run(_load(running.url, headers, options.seconds, lambda made: made["job"]["id"]))
    with _plain(url) as plain:
        floor = asyncio.run(_load(plain, headers, options.seconds, lambda made: made["id"]))
    busy = running.has_runs_under_way()
    return {
        "clients": options.clients,
        "ingestion_lasted": busy,
        "ours": ours.summary(),
        "floor": floor.summary(),
        "searchable": {
            "seconds": median(each["searchable"] for each in quiet),
            "first_stage": median(each["first_stage"] for each in quiet),
            "accepted": median(each["accepted"] for each in quiet),
            "floor": median(sum(each["floor"].values()) for each in quiet),
            "turns": quiet,
        },
        "machine": f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the end",
    }


async def _load(url: str, headers: list[dict[str, str]], seconds: float, job_of: Any) -> Timings:
    return await drive(url, headers, seconds, job_of, seed=int(time.time()))


def _searchable(
    bench: Bench, running: System, url: str, header: dict[str, str], turn: int
) -> dict[str, Any]:
    pdf, phrase = searchable.made_pdf(turn)
    ours = searchable.through_the_system(running.url, header, pdf, phrase)
    floor = asyncio.run(searchable.stage_floors(pdf, bench.endpoint.openai_url, url))
    return {**ours, "floor": floor}


def _start_ingestion(bench: Bench, running: System) -> None:
    """Have the worker ingest a thousand documents for one user after the other, until the end."""
    for user in range(INGESTS):
        running.run_deployment(
            "ingest/ingest", paths=[str(bench.corpus(1000))], user=f"corpus-{user}"
        )
    time.sleep(5)  # until the first one is under way


@contextmanager
def _plain(url: str) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        module_command("benchmarks.api.plain"),
        env=os.environ | {"DATABASE_URL": url, "PORT": str(port), "PYTHONPATH": str(ROOT)},
    )
    address = f"http://127.0.0.1:{port}"
    with ending(process):
        until_answered(f"{address}/openapi.json")
        yield address


def table(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = ["| Measured | Ours | Floor | Ratio | Promised |", "|---|---|---|---|---|"]
    ours, floor = results["ours"], results["floor"]
    for kind, what in (("upload", "upload accepted"), ("status", "status answered")):
        for share in ("p50", "p95", "p99"):
            promised = "< 200 ms" if (kind, share) == ("status", "p95") else "reported"
            mine, below = ours[kind][share], floor[kind][share]
            lines.append(
                f"| {what}, {share}, {results['clients']} clients beside ingestion "
                f"| {mine:.0f} ms | {below:.0f} ms | {mine / below:.1f} | {promised} |"
            )
    found = results["searchable"]
    lines.append(
        f"| a ten-page PDF from upload to searchable | {found['seconds']:.2f} s "
        f"| {found['floor']:.2f} s | {found['seconds'] / found['floor']:.1f} | reported |"
    )
    lines.append(
        f"| from its upload to its first stage | {found['first_stage']:.2f} s | – | – | < 2 s |"
    )
    lines.append("")
    lines.append(
        f"{ours['uploads']} uploads, {ours['published']} seen published, {ours['errors']} errors; "
        f"floor {floor['uploads']} uploads, {floor['errors']} errors. Ingestion "
        f"{'lasted to the end' if results['ingestion_lasted'] else 'ended early'}. "
        f"{results['machine']}."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
