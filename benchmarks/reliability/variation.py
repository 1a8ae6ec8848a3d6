"""R3: how much the time of a document varies on an idle machine, and where the variation is.

One document after the other goes the warm path: services opened once and lent to each flow run, as
in `navigator worker`. All have the same words but for their number, so that none is unchanged and
none is answered from a cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median, pstdev
from typing import Any

from benchmarks.bench import bench
from benchmarks.corpus import document
from benchmarks.measurements import installation
from benchmarks.servers import debian_postgres

WARM_UP = 5


def measure(repeats: int, server: str | None = None) -> dict[str, Any]:
    """The same document so many times; the coefficient of variation of the whole and its parts."""
    kind = server or ("postgres" if debian_postgres() else "sqlite")
    with bench() as surroundings, surroundings.prefect(kind) as worker:
        worker.ask("start_up", home=str(surroundings.scratch / "own"))
        folders = [
            _folder(surroundings.scratch / "same" / f"{number:04d}", number)
            for number in range(WARM_UP + repeats)
        ]
        with installation(surroundings, worker):
            told = worker.ask("repeat", folders=[str(folder) for folder in folders])
    runs: list[dict[str, float]] = told["runs"][WARM_UP:]
    return {
        "repeats": repeats,
        "server": kind,
        **varied([run["seconds"] for run in runs]),
        "parts": {
            name: varied([run["parts"].get(name, 0.0) for run in runs])  # type: ignore[attr-defined]
            for name in runs[0]["parts"]  # type: ignore[attr-defined]
        },
    }


def varied(seconds: Sequence[float]) -> dict[str, float]:
    """Mean, median, largest, standard deviation, and their ratio: the coefficient of variation."""
    average, deviation = mean(seconds), pstdev(seconds)
    ordered = sorted(seconds)
    return {
        "mean": round(average, 4),
        "p50": round(median(seconds), 4),
        "p95": round(ordered[max(0, -(-len(ordered) * 95 // 100) - 1)], 4),
        "deviation": round(deviation, 4),
        "coefficient": round(deviation / average, 4) if average else 0.0,
    }


def _folder(folder: Path, number: int) -> Path:
    folder.mkdir(parents=True)
    text = (
        document(0).replace("00000", f"{number:05d}").replace("Clause 0.", f"Clause {number:04d}.")
    )
    (folder / "policy.md").write_text(text)
    return folder
