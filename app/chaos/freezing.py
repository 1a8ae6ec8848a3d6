"""Freezes a worker past its lease and wakes it later: fencing keeps its late writes out."""

from __future__ import annotations

import random
import time

from app.chaos.command_process import Command
from app.chaos.experiment_report import Outcome
from app.chaos.experiments import END_SECONDS, Plan, Trial, trial
from app.chaos.generated_documents import write_policies
from app.chaos.installations import DISTURBED, Installation, user

LEASE_SECONDS = 4.0
SETTINGS = {"NAVIGATOR_LEASE_SECONDS": str(LEASE_SECONDS)}
LATENCY = 0.2
TAKE_OVER_SECONDS = 300.0
"""How long the next command may need, with a frozen one beside it."""

_LOOK_SECONDS = 0.05


def run(plan: Plan, place: Installation) -> Outcome:
    """Freeze `plan.faults` commands, each over documents of its own."""
    each = max(2, plan.documents // plan.faults)
    for number in range(plan.faults):
        write_policies(place.documents / f"{number}", each, plan.seed, first=number * each)
    chance = random.Random(plan.seed)  # noqa: S311 - a replayable draw is meant
    with trial(plan, place) as under_way:
        frozen = 0
        while frozen < plan.faults and under_way.time_left:
            _freeze_one(under_way, frozen, chance.random())
            frozen += 1
        under_way.finish()
        verdict = under_way.verdict(frozen)
        return under_way.outcome("freeze", {"freezes": frozen}, verdict)


def _freeze_one(under_way: Trial, number: int, share: float) -> None:
    place, folder = under_way.place, under_way.place.documents / f"{number}"
    before = under_way.watch.events(user(DISTURBED))
    sleeper = place.start("ingest", folder, "--json")
    while sleeper.running and under_way.watch.events(user(DISTURBED)) == before:
        time.sleep(_LOOK_SECONDS)
    sleeper.wait(share * 0.5 * under_way.clean_seconds / under_way.plan.faults)
    under_way.struck.append(under_way.watch.clock())
    sleeper.freeze()
    time.sleep(LEASE_SECONDS * 1.5)
    _take_over(under_way, place.start("ingest", folder, "--json"))
    sleeper.wake()
    # What it says of its documents is the next one's doing; but it ends.
    if sleeper.wait(END_SECONDS) is None:
        under_way.broken("what wakes up ends", f"freeze {number}: it does not end")


def _take_over(under_way: Trial, command: Command) -> None:
    code = command.wait(TAKE_OVER_SECONDS)
    if code != 0:
        ended = "it does not end" if code is None else f"exit code {code}"
        under_way.broken("a frozen holder loses its jobs", f"{ended}: {command.why()}")
