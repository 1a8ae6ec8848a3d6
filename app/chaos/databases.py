"""Restarts Postgres (`-m immediate`) again and again while commands work: none gives up."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from pathlib import Path

import psutil

from app.chaos.command_process import Command
from app.chaos.experiment_report import Outcome
from app.chaos.experiments import Plan, Trial, trial
from app.chaos.generated_documents import write_policies
from app.chaos.installations import Installation
from pipeline.store.embedded import open_embedded
from pipeline.store.embedded_tools import postmaster

SHORTEST, LONGEST = 5.0, 40.0
"""Seconds between two restarts."""


def run(plan: Plan, place: Installation) -> Outcome:
    """Restart Postgres until the time is over, while ingests follow each other."""
    write_policies(place.documents, plan.documents, plan.seed)
    with trial(plan, place) as under_way:
        # So that the work lasts as long as the restarts do.
        requests = sum(1 for _ in under_way.clean.passages) / 4
        place.openai.faults(
            {"fault": {"kind": "latency", "seconds": round(plan.seconds / requests, 3)}}
        )
        restarts, commands = _restart_often(under_way)
        place.openai.faults()
        under_way.finish()
        verdict = under_way.verdict(restarts)
        return under_way.outcome("database", {"restarts": restarts}, verdict, commands=commands)


def _restart_often(under_way: Trial) -> tuple[int, int]:
    assert under_way.place.embedded is not None, "an experiment of an installation of its own"
    chance = random.Random(under_way.plan.seed)  # noqa: S311 - a replayable draw is meant
    restarts, commands, command = 0, 1, under_way.place.ingest()
    while under_way.time_left:
        command.wait(chance.uniform(SHORTEST, LONGEST))
        under_way.struck.append(under_way.watch.clock())
        _restart(under_way.place.embedded)
        restarts += 1
        if command.running:
            continue
        if command.process.returncode == 0:
            break
        _complain(under_way, command)
        command, commands = under_way.place.ingest(), commands + 1
    if command.wait(under_way.plan.seconds + 600) != 0:
        _complain(under_way, command)
    return restarts, commands


def _complain(under_way: Trial, command: Command) -> None:
    where = "" if command.answer().get("documents") else " in its start"
    code = command.process.returncode
    under_way.broken("no manual step", f"a command ended{where}, exit code {code}: {command.why()}")


def _restart(folder: Path) -> None:
    if (running := postmaster(folder)) is not None:
        # SIGQUIT is Postgres's immediate shutdown: as a crash, nothing is written any more.
        with suppress(psutil.NoSuchProcess):
            running.send_signal(3)
        while postmaster(folder) is not None and postmaster(folder) == running:
            time.sleep(0.02)
    open_embedded(folder)
