"""Verifies an environment against a baseline: structure, settings, services, canaries, times."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deployments.environment import Environment
from deployments.prefect_answers import prefect_answers
from deployments.verification.api_canary import (
    API_CORPUS,
    DOCUMENT,
    judge_api,
    not_declared,
    through_api,
)
from deployments.verification.artifact import leave_artifact
from deployments.verification.baseline import Baseline
from deployments.verification.canary_costs import require_consent
from deployments.verification.canary_flow import worker_of
from deployments.verification.collecting import (
    WARM_UP,
    CorpusRuns,
    Told,
    corpus_runs,
    prefect_of,
    say_nothing,
    spent_since,
    wanted_by,
)
from deployments.verification.comparison import (
    compare_answers,
    compare_contracts,
    compare_deployments,
    compare_documents,
    compare_release,
    compare_settings,
    compare_structure,
    judge_connections,
)
from deployments.verification.contracts import probe
from deployments.verification.deployed_flows import deployed_flows
from deployments.verification.findings import (
    Finding,
    Outcome,
    Verification,
    broken,
    failed,
)
from deployments.verification.settings_facts import settings_facts
from deployments.verification.speed import judge_times, needs_more
from pipeline.errors import NavigatorError
from pipeline.settings import Settings
from pipeline.store import canaries
from pipeline.store.structure import read_structure
from stages.services import Services, open_services
from stages.transport_findings import transport_findings

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient


async def verify(
    environment: Environment,
    settings: Settings,
    baseline: Baseline,
    *,
    release: str | None = None,
    told: Told = say_nothing,
) -> Verification:
    """Verify the environment of this process. What does not answer is a finding, not an error.

    Args:
        release: that has to work on the canaries; None: whichever does.
        told: hears what is being done.
    """
    looking = _Looking(environment, settings, baseline, release, told)
    began, started = time.monotonic(), datetime.now(UTC)
    try:
        async with open_services(settings) as parts:
            await looking.at_everything(parts)
    except NavigatorError as error:
        looking.found.append(broken("environment", "its parts", error))
    found = Verification(
        environment=environment.name,
        release=release,
        baseline_environment=baseline.environment,
        baseline_at=baseline.recorded_at,
        started_at=started,
        seconds=time.monotonic() - began,
        usd=looking.usd,
        findings=tuple(looking.found),
    )
    if looking.reached_prefect:
        await leave_artifact(found)
    return found


_LEAST_API_SECONDS = 30.0
"""That a canary through the API gets in any case."""


class _Looking:
    """One verification under way."""

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        baseline: Baseline,
        release: str | None,
        told: Told,
    ) -> None:
        self._environment, self._settings, self._baseline = environment, settings, baseline
        self._release, self._told = release, told
        self._began = time.monotonic()
        self.found: list[Finding] = []
        self.usd = 0.0
        self.reached_prefect = False

    async def at_everything(self, parts: Services) -> None:
        """Each part, whatever became of the others; the canaries only where all services answer."""
        await self._guarded("structure", lambda: self._structure(parts))
        await self._guarded("connections", self._connections)
        facts = settings_facts(self._settings, parts.sizes)
        self.found += compare_settings(self._baseline.settings, facts)
        answering = await self._guarded("contracts", lambda: self._contracts(parts))
        try:
            with prefect_answers():
                async with prefect_of(self._environment) as client:
                    self.reached_prefect = True
                    await self._guarded("deployments", lambda: self._deployments(client))
                    if answering:
                        await self._guarded("canaries", lambda: self._canaries(parts, client))
                        await self._guarded("api", lambda: self._api(parts, client))
                    else:
                        self._leave_out("a service does not answer")
        except NavigatorError as error:
            self.found.append(broken("deployments", "Prefect's server", error))
            self._leave_out("Prefect's server does not answer")

    def _leave_out(self, why: str) -> None:
        self.found.append(Finding("canaries", "the corpus", Outcome.LEFT_OUT, found=why))

    async def _guarded(self, part: str, look: Callable[[], Awaitable[Iterable[Finding]]]) -> bool:
        """Look at one part; whether it could be looked at."""
        self._told(f"Looking at the {part}")
        try:
            self.found += await look()
        except NavigatorError as error:
            self.found.append(broken(part, "all of it", error))
            return False
        return True

    async def _connections(self) -> list[Finding]:
        return judge_connections(await transport_findings(self._settings))

    async def _structure(self, parts: Services) -> list[Finding]:
        found = (await read_structure(parts.database)).as_json()
        return list(compare_structure(self._baseline.structure, found))

    async def _deployments(self, client: PrefectClient) -> list[Finding]:
        with prefect_answers():
            found = await deployed_flows(client, self._environment)
        declared = self._environment.deployments
        return list(compare_deployments(self._baseline.deployments, found, declared))

    async def _contracts(self, parts: Services) -> list[Finding]:
        return list(compare_contracts(self._baseline.contracts, await probe(parts)))

    async def _canaries(self, parts: Services, client: PrefectClient) -> list[Finding]:
        before, wanted = self._baseline.corpus, wanted_by(self._environment)
        if before.version != wanted.version:
            return [_other_corpus(before.version, wanted.version)]
        async with parts.database.service() as connection:
            mark = await canaries.mark(connection)
        try:
            async with (
                worker_of(client, self._began + wanted.seconds) as work,
                corpus_runs(parts, work, wanted, self._began, self._told) as runs,
            ):
                await runs.repeat(WARM_UP + wanted.repetitions)
                times = await self._times(runs)
                corpus = runs.corpus()
        finally:
            self.usd = float(await spent_since(parts, mark))
        return [
            *compare_documents(before, corpus),
            *compare_answers(before, corpus),
            compare_release(self._release, corpus),
            *times,
        ]

    async def _api(self, parts: Services, client: PrefectClient) -> list[Finding]:
        """A canary by the way that users take, where the environment says where that is."""
        rules, corpus = self._environment.verification, self._baseline.corpus
        if rules.api_url is None:
            return [not_declared()]
        require_consent(parts, API_CORPUS, 1, rules.max_cost_usd)
        left = max(_LEAST_API_SECONDS, self._began + rules.within_seconds - time.monotonic())
        async with parts.database.service() as connection:
            mark = await canaries.mark(connection)
        try:
            found = await through_api(parts, client, rules.api_url, left)
        finally:
            self.usd += float(await spent_since(parts, mark))
        return list(judge_api(found, corpus.documents.get(DOCUMENT)))

    async def _times(self, runs: CorpusRuns) -> list[Finding]:
        """The times; where they are unclear, of more repetitions."""
        rules = self._environment.verification
        while True:
            judged = list(
                judge_times(self._baseline.corpus.repetitions, runs.times, rules.slower_percent)
            )
            again = needs_more(judged, len(runs.times), rules.repetitions)
            if not again or not runs.has_time:
                return judged
            self._told("The times do not tell yet")
            await runs.repeat(rules.repetitions)


def _other_corpus(before: str, now: str) -> Finding:
    remedy = "Record the baseline anew with this version."
    return failed("canaries", "the corpus", f"version {before}", f"version {now}", remedy)
