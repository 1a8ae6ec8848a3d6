"""Collects what a baseline holds, part by part; recording and verifying ask for the same things."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from deployments.environment import Environment
from deployments.prefect_answers import prefect_answers
from deployments.verification.baseline import Corpus, Repetition
from deployments.verification.canary_corpus import (
    CanaryEnvironment,
    Passage,
    WorkOff,
    occupied,
    pass_through,
)
from deployments.verification.canary_costs import is_paid, require_consent
from deployments.verification.canary_documents import (
    CORPUS,
    QUESTIONS,
    Canary,
    Question,
    canary_documents,
)
from pipeline.errors import ServiceUnavailable
from pipeline.run_options import RunOptions
from pipeline.store import canaries
from stages.services import Services

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

Told = Callable[[str], None]


def say_nothing(_: str) -> None:
    """For who listens to no progress."""


@dataclass(frozen=True)
class Wanted:
    """Which corpus is sent through, how often, at what cost.

    Attributes:
        version: of the corpus; that of a person's own files is made of their contents.
        options: of the canaries' run.
    """

    repetitions: int
    seconds: float
    max_cost_usd: Decimal
    documents: Sequence[Canary] = field(default_factory=canary_documents)
    questions: Sequence[Question] = QUESTIONS
    version: str = CORPUS
    options: RunOptions | None = None


def wanted_by(environment: Environment) -> Wanted:
    """The canary corpus as the environment's own rules say."""
    rules = environment.verification
    return Wanted(rules.repetitions, rules.within_seconds, rules.max_cost_usd)


WARM_UP = 1
"""Ways of the corpus whose times do not count."""


class CorpusRuns:
    """The corpus's ways through one environment, one after the other.

    Args:
        began: when the verification did, by the monotonic clock.
    """

    def __init__(self, where: CanaryEnvironment, wanted: Wanted, began: float, told: Told) -> None:
        self._where, self._wanted, self._began, self._told = where, wanted, began, told
        self._asks_always = not is_paid(where.parts)
        self.passages: list[Passage] = []

    async def repeat(self, times: int) -> None:
        """Send the corpus through so many times more; fewer when the time is up.

        Raises:
            NavigatorError: once did not end as it should.
        """
        for _ in range(times):
            if self.passages and not self.has_time:
                return
            self._told(f"The canaries' way {len(self.passages) + 1}")
            ask = self._asks_always or not self.passages
            with prefect_answers():
                self.passages.append(await pass_through(self._where, ask=ask))

    @property
    def has_time(self) -> bool:
        """Whether one more way is likely to end in time."""
        passed = time.monotonic() - self._began
        each = passed / max(1, len(self.passages))
        return passed + each < self._wanted.seconds

    @property
    def times(self) -> list[Repetition]:
        """The times of each way but the first, on which workers and caches warm up."""
        return [each.times for each in self.passages[WARM_UP:]]

    def corpus(self, usd: Decimal = Decimal(0)) -> Corpus:
        """All ways as one part of a baseline.

        Args:
            usd: what they have cost.
        """
        first = self.passages[0]
        varying = {
            name
            for each in self.passages
            for name in first.documents.keys() | each.documents.keys()
            if first.documents.get(name) != each.documents.get(name)
        }
        steps = [step for each in self.passages for step in each.steps]
        return Corpus(
            version=self._wanted.version,
            documents=first.documents,
            answers=first.answers,
            stranger=max(each.stranger for each in self.passages),
            repetitions=tuple(self.times),
            releases=tuple(sorted({each.release for each in steps}, key=str)),
            workers=tuple(sorted({each.actor for each in steps})),
            varying=tuple(sorted(varying)),
            usd=float(usd),
        )


@asynccontextmanager
async def corpus_runs(
    parts: Services, work_off: WorkOff, wanted: Wanted, began: float, told: Told
) -> AsyncIterator[CorpusRuns]:
    """The corpus to oneself, ready to be sent through; nothing is left of it after the block.

    Raises:
        UsageError: it would cost more than is allowed.
        ServiceUnavailable: another verification goes on for too long.
    """
    ways = WARM_UP + wanted.repetitions
    cap = require_consent(parts, wanted.documents, ways, wanted.max_cost_usd)
    where = CanaryEnvironment(parts, work_off, wanted.documents, wanted.questions, wanted.options)
    patience = max(0.0, began + wanted.seconds - time.monotonic())
    async with occupied(parts, cap, patience):
        yield CorpusRuns(where, wanted, began, told)


async def spent_since(parts: Services, mark: canaries.Mark) -> Decimal:
    """What the canaries have cost since then, by the ledger."""
    async with parts.database.service() as connection:
        return await canaries.spent(connection, mark)


@asynccontextmanager
async def prefect_of(environment: Environment) -> AsyncIterator[PrefectClient]:
    """The client of the environment's Prefect server.

    Raises:
        ServiceUnavailable: it does not answer.
    """
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        if (error := await client.api_healthcheck()) is not None:
            raise ServiceUnavailable(
                f"The Prefect server of the environment {environment.name} does not answer "
                f"({type(error).__name__}).",
                code="prefect_unavailable",
                remedy="Start it, or correct prefect.api_url in the environment's file.",
            )
        yield client
