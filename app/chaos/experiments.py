"""Runs an experiment: a clean run first, then the faults, then the oracle's verdict."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.chaos.command_process import Command
from app.chaos.database_view import Watch
from app.chaos.experiment_report import Outcome
from app.chaos.installations import CLEAN, DISTURBED, Installation, user
from app.chaos.oracle import Allowance, Breach, Corpus, Verdict, judge
from app.terminal.console import say
from pipeline.errors import NavigatorError

END_SECONDS = 1800.0
"""After so long an undisturbed command is taken for one that hangs."""


@dataclass(frozen=True)
class Plan:
    """How large an experiment is to be; its seed repeats it."""

    seed: int
    documents: int
    seconds: float
    faults: int = 0


@dataclass
class Trial:
    """One experiment under way: the clean corpus, and what has befallen the other."""

    plan: Plan
    place: Installation
    watch: Watch
    clean: Corpus
    clean_seconds: float
    started: float = field(default_factory=time.monotonic)
    struck: list[datetime] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)

    @property
    def time_left(self) -> bool:
        """Whether the time for faults is not over."""
        return time.monotonic() - self.started < self.plan.seconds

    def finish(self, *, attempts: int = 1, **variables: str) -> Command:
        """Let undisturbed commands finish the work; one that does not is a broken promise."""
        for _ in range(attempts):
            command = self.place.ingest(**variables)
            code = command.wait(END_SECONDS)
            if code == 0:
                break
            ended = "it does not end" if code is None else f"exit code {code}"
            self.broken("the next run finishes", f"{ended}: {command.why()}")
        return command

    def broken(self, promise: str, what: str) -> None:
        """Note a broken promise that the oracle does not see."""
        self.breaches.append(Breach(promise, what))

    def verdict(self, faults: int) -> Verdict:
        """What the oracle says; each fault may have cost a request."""
        found, bill = self.watch.corpus(user(DISTURBED)), self.place.bill()
        judged = judge(self.clean, found, bill, Allowance(faults, self.place.request_tokens))
        judged.breaches[:0] = self.breaches
        return judged

    def outcome(self, test: str, faults: dict[str, int], verdict: Verdict, **facts: Any) -> Outcome:
        """The row of the table."""
        return Outcome(
            test,
            self.plan.seed,
            f"{len(self.clean.standings):,} documents",
            faults,
            verdict,
            self.watch.recoveries(user(DISTURBED), self.struck),
            time.monotonic() - self.started,
            facts,
        )


@contextmanager
def trial(plan: Plan, place: Installation, *options: object) -> Iterator[Trial]:
    """Take the documents in undisturbed, then hand over with the bill at zero.

    Raises:
        NavigatorError: the clean run did not end, so there is nothing to compare with.
    """
    say(f"Seed {plan.seed}. A clean run of {plan.documents:,} documents first …")
    with Watch(place.addresses) as watch:
        command = place.ingest(*options, user=CLEAN)
        code = command.wait(END_SECONDS)
        if code not in (0, 1):
            raise NavigatorError(f"The clean run did not end well: {command.why()}")
        clean = watch.corpus(user(CLEAN))
        seconds = command.seconds
        place.openai.reset()
        place.llamaparse.reset()
        say(f"{len(clean.passages):,} passages in {seconds:.0f} s. Now the faults …")
        yield Trial(plan, place, watch, clean, seconds)
