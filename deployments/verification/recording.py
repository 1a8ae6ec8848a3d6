"""Records a baseline of an environment that works."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from deployments.environment import Environment
from deployments.verification.api_canary import API_CORPUS, DOCUMENT, judge_api, through_api
from deployments.verification.baseline import Baseline, CanaryDocument, Corpus
from deployments.verification.calibration import hardware
from deployments.verification.canary_costs import require_consent
from deployments.verification.canary_documents import CORPUS, Canary
from deployments.verification.canary_flow import worker_of
from deployments.verification.collecting import (
    WARM_UP,
    Told,
    Wanted,
    corpus_runs,
    prefect_of,
    say_nothing,
    spent_since,
    wanted_by,
)
from deployments.verification.contracts import probe
from deployments.verification.deployed_flows import deployed_flows
from deployments.verification.findings import Outcome
from deployments.verification.settings_facts import settings_facts
from deployments.verification.speed import FEWEST
from pipeline.errors import NavigatorError
from pipeline.settings import Settings
from pipeline.store import canaries
from pipeline.store.structure import read_structure
from pipeline.worker_identity import release_of_process
from stages.services import Services, open_services

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient


class NoBaseline(NavigatorError):
    """The environment does not work as it should, so nothing may be compared with it."""

    code = "no_baseline"
    remedy = "Mend it first (`navigator doctor`, `navigator check`), then record again."


async def record(
    environment: Environment,
    settings: Settings,
    *,
    wanted: Wanted | None = None,
    told: Told = say_nothing,
) -> Baseline:
    """Record everything that a verification compares.

    Raises:
        NoBaseline: a canary did not end as it has to.
        NavigatorError: a part of the environment does not answer.
    """
    wanted = wanted or wanted_by(environment)
    if wanted.options is not None:
        settings = wanted.options.settings()
    async with open_services(settings) as parts, prefect_of(environment) as client:
        told("Reading the structure")
        structure = (await read_structure(parts.database)).as_json()
        told("Asking the services")
        contracts = await probe(parts)
        corpus = await _corpus(parts, client, wanted, told)
        await _require_api(parts, client, environment, corpus, told)
        return Baseline(
            environment=environment.name,
            release=release_of_process(),
            program=program(),
            recorded_at=datetime.now(UTC),
            hardware=hardware(),
            settings=settings_facts(settings, parts.sizes),
            structure=structure,
            deployments=await deployed_flows(client, environment),
            contracts=contracts,
            corpus=corpus,
        )


async def _corpus(parts: Services, client: PrefectClient, wanted: Wanted, told: Told) -> Corpus:
    async with parts.database.service() as connection:
        mark = await canaries.mark(connection)
    began = time.monotonic()
    async with (
        worker_of(client, began + wanted.seconds) as work,
        corpus_runs(parts, work, wanted, began, told) as runs,
    ):
        await runs.repeat(WARM_UP)
        require_ends(wanted.documents, runs.passages[0].documents, runs.passages[0].messages)
        await runs.repeat(wanted.repetitions)
        corpus = runs.corpus(await spent_since(parts, mark))
    if corpus.varying:
        raise NoBaseline(f"The same file ends in several ways: {', '.join(corpus.varying)}.")
    if len(corpus.repetitions) < FEWEST:
        raise NoBaseline(
            f"The documents took so long that they were measured {len(corpus.repetitions)} times.",
            remedy="Raise verification.within_seconds, or record on a quieter machine.",
        )
    if corpus.stranger:
        raise NoBaseline("A user was shown the passages of another one.")
    return corpus


async def _require_api(
    parts: Services, client: PrefectClient, environment: Environment, corpus: Corpus, told: Told
) -> None:
    """Make sure that the API does with a canary what the stages do.

    Raises:
        NoBaseline: it does not.
    """
    rules = environment.verification
    if rules.api_url is None or corpus.version != CORPUS:
        return
    told("The canary's way through the API")
    require_consent(parts, API_CORPUS, 1, rules.max_cost_usd)
    found = await through_api(parts, client, rules.api_url, rules.within_seconds)
    for each in judge_api(found, corpus.documents.get(DOCUMENT)):
        if each.outcome is Outcome.FAILED:
            raise NoBaseline(f"The API's {each.name}: {each.expected} expected, {each.found}.")


def require_ends(
    documents: Sequence[Canary],
    found: Mapping[str, CanaryDocument],
    messages: Mapping[str, str],
) -> None:
    """Make sure that each canary ended as it is made to end.

    Raises:
        NoBaseline: one did not.
    """
    for each in documents:
        there = found.get(each.name)
        state = there.state if there is not None else "nowhere"
        if each.ends is not None and state != each.ends:
            raise NoBaseline(
                f"The canary {each.name} ended as {state}, not as {each.ends.value}. "
                f"{messages.get(each.name, '')}".strip()
            )


def program() -> str:
    """The version of the installed program."""
    try:
        return version("insurance-navigator")
    except PackageNotFoundError:
        return "checkout"
