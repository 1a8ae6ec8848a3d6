"""Soak test: takes in very many documents with a few bad answers; memory stays flat."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import psutil

from app.chaos.command_process import Command
from app.chaos.experiment_report import Outcome
from app.chaos.experiments import END_SECONDS, Plan, Trial, trial
from app.chaos.generated_documents import write_policies
from app.chaos.installations import Installation
from app.chaos.services import bad_answers, costly, fired

MOST_GROWTH = 0.10
"""Of memory over the second half of the work, as a share of what it was."""

_LOOK_SECONDS = 1.0
_FEWEST_LOOKS = 20
MIB = 1024 * 1024


def run(plan: Plan, place: Installation) -> Outcome:
    """Take all documents in once, with one bad answer in a hundred."""
    write_policies(place.documents, plan.documents, plan.seed)
    with trial(plan, place) as under_way:
        place.openai.faults(*bad_answers(0.01, plan.seed))
        sizes = _watched(under_way, place.ingest())
        faults = fired(place)
        facts = _memory(under_way, sizes)
        return under_way.outcome("soak", faults, under_way.verdict(costly(faults)), **facts)


def _watched(under_way: Trial, command: Command) -> list[int]:
    """Wait for the command; its memory in bytes, second by second."""
    process, sizes = psutil.Process(command.process.pid), []
    while command.wait(_LOOK_SECONDS) is None and command.seconds < END_SECONDS * 2:
        sizes.append(process.memory_info().rss)
    if (code := command.process.returncode) != 0:
        under_way.broken("all are published in one run", f"exit code {code}: {command.why()}")
    return sizes


def _memory(under_way: Trial, sizes: Sequence[int]) -> dict[str, str]:
    half = sizes[len(sizes) // 2 :]
    if len(half) < _FEWEST_LOOKS:
        return {"memory": "too short a run to tell how it grows"}
    slope = statistics.linear_regression(range(len(half)), half).slope
    growth = slope * len(half) / statistics.fmean(half)
    if growth > MOST_GROWTH:
        under_way.broken("memory stays flat", f"it grows by {growth:.0%} over half of the work")
    return {
        "memory": f"{statistics.fmean(half) / MIB:.0f} MiB, {slope * 60 / MIB:+.1f} MiB a minute, "
        f"{growth:+.1%} over the second half, {max(sizes) / MIB:.0f} MiB at most"
    }
