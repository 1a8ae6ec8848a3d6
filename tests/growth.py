"""How work grows with its input, in processor time, which other programs do not add to."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

MEASURABLE_SECONDS = 0.02
"""Less than this is not told apart from the clock and the caches."""
TIMES = 8
MOST = 3 * TIMES
"""Work that grows with the square of its input takes 64 times as long."""


def processor_seconds(work: Callable[[], object], tries: int = 1) -> float:
    """The processor time of some work; of several tries the least."""
    spent = []
    for _ in range(tries):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def assert_linear(work: Callable[[int], object], size: int, most_size: int | None = None) -> None:
    """Fail if eight times the input takes more than 24 times the work.

    Args:
        work: does the work for an input of so many characters, bytes or pieces.
        size: the smaller input; doubled until its work can be measured.
        most_size: up to here it is doubled; what is still too quick to be measured is quick enough.
    """
    most_size = most_size or 64 * size
    while (small := processor_seconds(partial(work, size), 3)) < MEASURABLE_SECONDS:
        if size >= most_size:
            break
        size *= 2
    large = processor_seconds(partial(work, TIMES * size), 2)
    assert large < MOST * max(small, MEASURABLE_SECONDS), f"{size}: {small:.3f} s, then {large:.3f}"
