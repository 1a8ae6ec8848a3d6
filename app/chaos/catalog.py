"""Lists the chaos experiments by name, with the sizes that were promised."""

from __future__ import annotations

import secrets
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.chaos import databases, drawing, failpoints, freezing, kills, services, soak_test, workers
from app.chaos.experiment_report import Outcome
from app.chaos.experiments import Plan
from app.chaos.installations import Installation, own_installation
from app.terminal.console import answers, number, print_json, right, table, text
from app.terminal.durations import seconds
from pipeline.errors import UsageError
from pipeline.failpoints import FAILPOINTS


@dataclass(frozen=True)
class Experiment:
    """One way to break the system, at its full size.

    Attributes:
        shows: what it shows, in one sentence.
        latency: seconds of each request to the embedder.
        prefect: whether it needs a server.
        settings: variables of its commands.
    """

    shows: str
    run: Callable[[Plan, Installation], Outcome]
    documents: int
    faults: int = 0
    seconds: float = 3600.0
    latency: float = 0.0
    prefect: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)


EXPERIMENTS = {
    "failpoints": Experiment(
        "The command is killed at each failpoint.", failpoints.run, 85, len(FAILPOINTS)
    ),
    "kills": Experiment(
        "The command is killed at random moments.", kills.run, 100, 200, latency=kills.LATENCY
    ),
    "workers": Experiment(
        "Commands race for the same documents.", workers.run, 500, 16, settings=workers.SETTINGS
    ),
    "freeze": Experiment(
        "The command is frozen past its lease, and wakes up.",
        freezing.run, 60, 10, latency=freezing.LATENCY, settings=freezing.SETTINGS,
    ),
    "database": Experiment(
        "Postgres is restarted -m immediate every 5 to 40 s.", databases.run, 100, seconds=600
    ),
    "network": Experiment("Connections to the embedder break.", services.network, 100),
    "storm": Experiment("The embedder answers 429 to 90 %.", services.storm, 100, seconds=300),
    "quota": Experiment("The embedder's account is empty.", services.quota, 20, seconds=120),
    "answers": Experiment(
        "The embedder's answers are bad, 2 %.", services.answers, 3000, settings=services.LARGE
    ),
    "soak": Experiment(
        "Very many documents, 1 % bad answers.", soak_test.run, 10_000, settings=services.LARGE
    ),
    "histories": Experiment(
        "Random lives of jobs; --documents is the steps of each.",
        drawing.run, 50, 1000, prefect=False,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What a person asked for; None is the experiment's own size."""

    name: str
    seed: int | None = None
    time: str | None = None
    documents: int | None = None
    faults: int | None = None


def run(wanted: Wanted) -> Outcome:
    """Run an experiment in an installation of its own.

    Raises:
        UsageError: there is none of this name, or the time is no time.
        NavigatorError: it could not be made, or its clean run failed.
    """
    if (experiment := EXPERIMENTS.get(wanted.name)) is None:
        known = ", ".join(EXPERIMENTS)
        raise UsageError(f"There is no experiment {wanted.name}.", remedy=f"There are: {known}.")
    plan = Plan(
        secrets.randbelow(10**6) if wanted.seed is None else wanted.seed,
        wanted.documents or experiment.documents,
        experiment.seconds if wanted.time is None else seconds(wanted.time),
        wanted.faults or experiment.faults,
    )
    # So that what was started is ended, and the folder removed, however a person stops it.
    signal.signal(signal.SIGTERM, _end)
    with own_installation(
        experiment.settings, latency=experiment.latency, prefect=experiment.prefect
    ) as place:
        return experiment.run(plan, place)


def _end(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough: what follows is cleaning up
    sys.exit(128 + number)


def show_names(*, json: bool) -> None:
    """Print which experiments there are, with their sizes."""
    if json:
        sizes = {n: {"shows": e.shows, "documents": e.documents} for n, e in EXPERIMENTS.items()}
        print_json(sizes)
        return
    shown = table("name", right("documents"), right("faults"), "what it shows")
    for name, each in EXPERIMENTS.items():
        shown.add_row(name, number(each.documents), number(each.faults or None), text(each.shows))
    answers().print(shown)
