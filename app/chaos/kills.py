"""Kill the real command at random moments; the next one, at last undisturbed, finishes the work.

The kills are spread evenly over the work, and one in five falls in the command's start.
"""

from __future__ import annotations

import random
import time

from app.chaos.documents import write_letter, write_policies
from app.chaos.experiments import Plan, Trial, trial
from app.chaos.installations import DISTURBED, Installation, user
from app.chaos.reporting import Outcome
from app.chaos.running import KILLED, Command
from app.console import say
from pipeline.states import ENDED

SHARE_IN_START = 0.2
LATENCY = 0.15
"""Seconds of a request, so that most kills find one in flight."""

_LOOK_SECONDS = 0.05
_OPTIONS = ("--batch-size", 10)


def run(plan: Plan, place: Installation) -> Outcome:
    """Kill `plan.faults` times, or until the time is over."""
    write_policies(place.documents, plan.documents - 1, plan.seed)
    write_letter(place.documents / "letter.eml", plan.seed)
    with trial(plan, place, *_OPTIONS) as under_way:
        kills = _kill_often(under_way)
        under_way.finish()
        verdict = under_way.verdict(kills)
        return under_way.outcome("kills", {"kills": kills}, verdict)


def _kill_often(under_way: Trial) -> int:
    chance = random.Random(under_way.plan.seed)  # noqa: S311 - a replayable draw is meant
    kills = 0
    while kills < under_way.plan.faults and under_way.time_left:
        command = under_way.place.ingest(*_OPTIONS)
        _wait_for_the_moment(under_way, command, chance, kills)
        at = under_way.watch.clock()
        if command.kill() != KILLED:
            say("The work was done before all kills were.")
            break
        kills += 1
        under_way.struck.append(at)
    return kills


def _wait_for_the_moment(
    under_way: Trial, command: Command, chance: random.Random, kills: int
) -> None:
    in_start, share = chance.random() < SHARE_IN_START, chance.random()
    if in_start:
        command.wait(share * under_way.clean_seconds / 4)
        return
    before = under_way.watch.events(user(DISTURBED))
    while command.running and under_way.watch.events(user(DISTURBED)) == before:
        time.sleep(_LOOK_SECONDS)
    command.wait(share * 2 * _pace(under_way, kills))


def _pace(under_way: Trial, kills: int) -> float:
    """Seconds of work for each kill that is left, so that none finds the work done."""
    found = under_way.watch.corpus(user(DISTURBED)).standings
    expected = len(under_way.clean.standings)
    ended = sum(each.state in ENDED for each in found)
    work = under_way.clean_seconds * (expected - ended) / expected
    return 0.6 * work / (under_way.plan.faults - kills)
