"""The stages' times, as findings: on equal, slower and unlike machines."""

from __future__ import annotations

from deployments.verification.findings import Outcome
from deployments.verification.speed import judge_times, needs_more
from tests.deployments.verification.making import times


def outcome(found: float, noise: float = 0.02, reference: float = 0.05, count: int = 9) -> Outcome:
    """What is said of a stage that took half a second in the baseline."""
    before = times(0.5, count, noise=noise)
    now = times(found, count, noise=noise, reference=reference, seed=2)
    [stage, machine] = judge_times(before, now, 10)
    assert machine.outcome is Outcome.TOLD
    return stage.outcome


def test_slower_stage() -> None:
    """A stage that takes half as long again has failed."""
    assert outcome(0.75) is Outcome.FAILED


def test_equal_stage() -> None:
    """A stage that takes as long is fine, and so is a faster one."""
    assert outcome(0.5) is Outcome.OK
    assert outcome(0.2) is Outcome.OK


def test_slower_machine_is_no_slower_release() -> None:
    """Twice as long on a machine that takes twice as long for the reference work is as fast."""
    assert outcome(1.0, reference=0.1) is Outcome.OK


def test_faster_machine_hides_nothing() -> None:
    """As long as before on a machine of twice the speed is slower."""
    assert outcome(0.5, reference=0.025) is Outcome.FAILED


def test_noise_asks_for_more() -> None:
    """What cannot be told is inconclusive, and more repetitions may tell."""
    found = list(judge_times(times(0.5, noise=0.4), times(0.6, noise=0.4, seed=2), 10))
    assert found[0].outcome is Outcome.INCONCLUSIVE
    assert found[0].remedy
    assert needs_more(found, 5, 5)
    assert not needs_more(found, 15, 5)


def test_slower_is_confirmed() -> None:
    """What looks slower is measured once more before it counts; what is fine is not."""
    slower = list(judge_times(times(0.5), times(1.0, seed=2), 10))
    assert needs_more(slower, 5, 5)
    assert not needs_more(slower, 10, 5)
    assert not needs_more(list(judge_times(times(0.5), times(0.5, seed=2), 10)), 5, 5)


def test_a_stage_that_nobody_reached_is_left_to_the_canaries() -> None:
    """A stage that was measured too seldom is not judged; the documents' ends tell of it."""
    now = [*times(0.5, 2), *times(0.5, 3, stage="chunk")]
    found = list(judge_times(times(0.5), now, 10))
    assert [each.name for each in found] == ["machine"]


def test_too_few_times_tell_nothing() -> None:
    """A verification that ran out of time says so, and is not as fast by it."""
    for before, now in ((times(0.5), []), (times(0.5, 2), times(0.5))):
        [told] = judge_times(before, now, 10)
        assert told.outcome is Outcome.INCONCLUSIVE
