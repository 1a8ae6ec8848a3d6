"""Random lives of jobs on the real database: whatever workers do, the promises hold.

NAVIGATOR_TEST_HISTORIES=1000 runs more than by default, NAVIGATOR_TEST_STEPS longer ones,
NAVIGATOR_TEST_SEED repeats a run; `navigator chaos histories` does the same without a checkout's
tests. A failing history is printed with the steps that replay it.
"""

from __future__ import annotations

import os

from app.chaos.histories import check
from app.chaos.lifecycle import FAILURES
from pipeline.states import may
from pipeline.store.database_urls import Addresses

HISTORIES, STEPS = 60, 10


def test_random_histories_keep_the_promises(database_url: str) -> None:
    """After every step of every history: legal, fenced, whole, and nothing left behind."""
    number = int(os.environ.get("NAVIGATOR_TEST_SEED") or int.from_bytes(os.urandom(4), "big"))
    print(f"\nNAVIGATOR_TEST_SEED={number}")  # noqa: T201
    histories = int(os.environ.get("NAVIGATOR_TEST_HISTORIES", HISTORIES))
    steps = int(os.environ.get("NAVIGATOR_TEST_STEPS", STEPS))
    check(Addresses(database_url), number, histories, steps)


def test_every_failure_used_here_is_legal() -> None:
    """The machine's own failures are steps that the state machine has."""
    assert all(may(start, target) for start, (target, _) in FAILURES.items())
