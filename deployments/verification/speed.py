"""Judges the times of the stages against the baseline's."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from deployments.verification.baseline import Repetition
from deployments.verification.findings import Finding, Outcome
from deployments.verification.timing_statistics import Speed, TimeRatio, compare_times

MOST_ROUNDS = 3
"""Where times are unclear the corpus goes through up to so many times the repetitions."""
CONFIRMED_ROUNDS = 2
"""What looks slower is measured so many times the repetitions before it counts: going back to an
older release on a passing noise would itself be a fault."""
FEWEST = 3
"""Times of a stage that are needed on each side for a comparison."""
_OUTCOMES = {
    Speed.AS_FAST: Outcome.OK,
    Speed.SLOWER: Outcome.FAILED,
    Speed.UNCLEAR: Outcome.INCONCLUSIVE,
}
_REMEDIES = {
    Speed.AS_FAST: "",
    Speed.SLOWER: "Look what the release or the environment does otherwise in this stage.",
    Speed.UNCLEAR: "The times vary too much to tell: verify again when the machine is quieter.",
}


def judge_times(
    before: Sequence[Repetition], now: Sequence[Repetition], slower_percent: float
) -> Iterator[Finding]:
    """One finding for each stage that both sides have measured; too few times tell nothing."""
    if min(len(before), len(now)) < FEWEST:
        yield Finding(
            "times",
            "all stages",
            Outcome.INCONCLUSIVE,
            f"at least {FEWEST} times on each side",
            f"{len(before)} and {len(now)}",
            _REMEDIES[Speed.UNCLEAR],
        )
        return
    for stage, ratio in stage_ratios(before, now):
        speed = ratio.speed(slower_percent)
        yield Finding(
            "times",
            stage,
            _OUTCOMES[speed],
            f"at most {slower_percent:g} % more than {_median(before, stage)}",
            _told(ratio, _median(now, stage), len(now)),
            _REMEDIES[speed],
        )
    yield Finding(
        "times", "machine", Outcome.TOLD, _reference(before), _reference(now),
        "The reference work, by which all times are divided.",
    )  # fmt: skip


def needs_more(findings: Sequence[Finding], measured: int, repetitions: int) -> bool:
    """Whether to measure again: more times could tell, or what is called slower is to be so twice.

    Args:
        measured: times of each stage so far.
        repetitions: of one round, of which there are `MOST_ROUNDS` at most.
    """
    if measured >= MOST_ROUNDS * repetitions:
        return False
    outcomes = {each.outcome for each in findings}
    slower_once = Outcome.FAILED in outcomes and measured < CONFIRMED_ROUNDS * repetitions
    return Outcome.INCONCLUSIVE in outcomes or slower_once


def stage_ratios(
    before: Sequence[Repetition], now: Sequence[Repetition]
) -> Iterator[tuple[str, TimeRatio]]:
    """Each stage that both sides have measured often enough, with how its times compare."""
    if not before or not now:
        return
    scale = statistics.median(each.reference for each in before)
    for stage in _stages(before, now):
        yield stage, compare_times(_relative(before, stage), _relative(now, stage), scale)


def _stages(before: Sequence[Repetition], now: Sequence[Repetition]) -> list[str]:
    names = dict.fromkeys(name for each in before for name in each.stages)
    return [
        name
        for name in names
        if min(len(_relative(before, name)), len(_relative(now, name))) >= FEWEST
    ]


def _relative(times: Sequence[Repetition], stage: str) -> list[float]:
    """Of each repetition that has the stage, its time in units of the reference work."""
    return [
        max(each.stages[stage], 0.0001) / each.reference for each in times if stage in each.stages
    ]


def _median(times: Sequence[Repetition], stage: str) -> str:
    found = statistics.median(each.stages[stage] for each in times if stage in each.stages)
    return f"{found * 1000:.0f} ms"


def _reference(times: Sequence[Repetition]) -> str:
    return f"{statistics.median(each.reference for each in times) * 1000:.1f} ms"


def _told(ratio: TimeRatio, median: str, repetitions: int) -> str:
    return (
        f"{median}: {ratio.ratio:.2f} times the baseline's on an equal machine "
        f"({ratio.low:.2f} to {ratio.high:.2f}, {repetitions} times)"
    )
