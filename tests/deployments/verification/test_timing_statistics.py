"""Times are compared by intervals: slower, not slower, or too noisy to tell."""

from __future__ import annotations

import random

import pytest

from deployments.verification.timing_statistics import LEAST_SECONDS, Speed, compare_times

SEEDS = range(40)


def series(seconds: float, noise: float, seed: int, count: int = 9) -> list[float]:
    """Times with Gaussian noise, in units of a reference work of a second."""
    chance = random.Random(seed)
    return [seconds * (1 + chance.gauss(0, noise)) for _ in range(count)]


def verdicts(factor: float, noise: float, count: int = 9) -> list[Speed]:
    """What is said of a stage that takes `factor` times as long, for each seed."""
    return [
        compare_times(series(1, noise, seed, count), series(factor, noise, 1000 + seed, count), 1.0)
        .speed(10)
        for seed in SEEDS
    ]  # fmt: skip


def test_as_fast_is_never_called_slower() -> None:
    """Equal systems are not called slower; at a noise of 30 %, once in forty times at most."""
    for noise in (0.01, 0.05, 0.15):
        assert Speed.SLOWER not in verdicts(1.0, noise)
    assert verdicts(1.0, 0.3).count(Speed.SLOWER) <= 1


def test_slower_by_half_is_noticed() -> None:
    """A stage that takes half as long again is called slower every time when noise is little."""
    assert verdicts(1.5, 0.03) == [Speed.SLOWER] * len(SEEDS)


def test_twice_as_slow_is_noticed_in_noise() -> None:
    """A stage that takes twice as long is called slower in most cases at a noise of 15 %."""
    found = verdicts(2.0, 0.15)
    assert found.count(Speed.SLOWER) >= 0.9 * len(SEEDS)
    assert Speed.AS_FAST not in found


def test_within_the_limit_is_as_fast() -> None:
    """Five percent slower is within ten, and said so when noise is little."""
    assert verdicts(1.05, 0.01) == [Speed.AS_FAST] * len(SEEDS)


def test_noise_is_said_to_be_noise() -> None:
    """At the limit itself, with much noise, nothing is claimed either way."""
    found = verdicts(1.1, 0.4, count=5)
    assert found.count(Speed.UNCLEAR) >= 0.9 * len(SEEDS)


def test_the_same_series_give_the_same_answer() -> None:
    """The resamples are drawn from a seed."""
    one, other = series(1, 0.1, 1), series(1.2, 0.1, 2)
    assert compare_times(one, other, 1.0) == compare_times(one, other, 1.0)
    assert compare_times(one, other, 1.0, seed=2) != compare_times(one, other, 1.0)


@pytest.mark.parametrize(("scale", "speed"), [(0.001, Speed.AS_FAST), (1.0, Speed.SLOWER)])
def test_a_time_slice_is_not_slower(scale: float, speed: Speed) -> None:
    """Three times as long counts for nothing while it is less than a scheduler's time slice."""
    found = compare_times(series(1, 0.01, 1), series(3, 0.01, 2), scale)
    assert found.speed(10) is speed
    assert (found.most_more <= LEAST_SECONDS) == (speed is Speed.AS_FAST)
