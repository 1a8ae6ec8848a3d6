"""Kills the real command at random moments; the next, undisturbed one finishes the work.

The kills are spread evenly over the work, and one in five falls in the command's start.
"""

from __future__ import annotations

import math
import random
import time

from app.chaos.command_process import KILLED, Command
from app.chaos.experiment_report import Outcome
from app.chaos.experiments import Plan, Trial, trial
from app.chaos.generated_documents import SECTIONS, write_letter, write_policies
from app.chaos.installations import BATCH_INPUTS, DISTURBED, Installation, user
from app.terminal.console import say

SHARE_IN_START = 0.2
START_SECONDS = 4.0
LATENCY = 0.15
"""Seconds of a command's start, and of a request, so that most kills find one in flight."""

_REQUESTS_A_KILL = 6
"""About two are answered before a kill falls; with fewer the work is done before all have."""
_CHUNKS_A_SECTION = 2
_LOOK_SECONDS = 0.03
_OPTIONS = ("--batch-size", 10)


def run(plan: Plan, place: Installation) -> Outcome:
    """Kill `plan.faults` times, or until the time is over."""
    write_policies(place.documents, plan.documents - 1, plan.seed, sections=_sections(plan))
    write_letter(place.documents / "letter.eml", plan.seed)
    with trial(plan, place, *_OPTIONS) as under_way:
        kills = _kill_often(under_way)
        under_way.finish()
        verdict = under_way.verdict(kills)
        return under_way.outcome("kills", {"kills": kills}, verdict)


def _sections(plan: Plan) -> int:
    chunks = plan.faults * _REQUESTS_A_KILL * BATCH_INPUTS
    return max(SECTIONS, math.ceil(chunks / plan.documents / _CHUNKS_A_SECTION))


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
    """Count requests rather than seconds, so that a slow machine changes nothing."""
    in_start, share, rest = chance.random() < SHARE_IN_START, chance.random(), chance.random()
    if in_start:
        command.wait(share * START_SECONDS)
        return
    before = asked, _ = _work_done(under_way)
    while command.running and _work_done(under_way) == before:
        time.sleep(_LOOK_SECONDS)
    wanted = int(share * _pace(under_way, asked, kills))
    while command.running and under_way.place.bill().requests < asked + wanted:
        time.sleep(_LOOK_SECONDS)
    command.wait(rest * 2 * LATENCY)


def _work_done(under_way: Trial) -> tuple[int, int]:
    """The requests and the events so far: a document that is taken up again may have no event."""
    return under_way.place.bill().requests, under_way.watch.events(user(DISTURBED))


def _pace(under_way: Trial, asked: int, kills: int) -> float:
    """The most requests until the next kill, so that none finds the work done."""
    left = under_way.clean.ledger.requests - asked
    return max(0.0, min(1.2 * left / (under_way.plan.faults - kills), 0.8 * left))
