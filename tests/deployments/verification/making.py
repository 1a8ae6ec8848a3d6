"""Baselines to compare, and a way through the stages without Prefect."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from deployments.verification.baseline import (
    Answer,
    Baseline,
    CanaryDocument,
    Contracts,
    Corpus,
    Deployment,
    EmbedderContract,
    Hardware,
    ParserContract,
    Repetition,
)
from deployments.verification.canary_corpus import WorkOff
from deployments.verification.canary_flow import Batch
from pipeline.store import run_jobs
from stages.services import Services
from tests.ingesting import work_off

STRUCTURE: dict[str, Any] = {"revision": "0010", "facts": {}, "partitions": {}, "told": {}}
EMBEDDER = EmbedderContract(
    provider="local", model="wordllama", dimension=3, version="1", norm=1.0, tokens=0,
    has_request_id=False, vector=(0.6, 0.8, 0.0),
)  # fmt: skip
DOCUMENT = CanaryDocument(state="complete", text="aa", chunks=(("1", "x"), ("2", "y")))


def corpus(**changes: Any) -> Corpus:
    """A corpus of one document and one question."""
    values: dict[str, Any] = {
        "version": "1",
        "documents": {"policy.md": DOCUMENT},
        "answers": (Answer(question="What?", mode="hybrid", passages=("1", "2"),
                           documents=("policy.md", "policy.md")),),
        "stranger": 0,
        "repetitions": tuple(times(0.5)),
        "releases": (None,),
        "workers": ("host/boot/1/1.00",),
    }  # fmt: skip
    return Corpus(**(values | changes))


def baseline(**changes: Any) -> Baseline:
    """A baseline in which everything is small."""
    values: dict[str, Any] = {
        "environment": "local",
        "program": "0.1.0",
        "recorded_at": datetime(2026, 11, 27, tzinfo=UTC),
        "hardware": Hardware(processor="p", processors=2, memory_gib=4, system="s", python="3"),
        "settings": {"chunk_tokens": 400, "home": "/a"},
        "structure": STRUCTURE,
        "deployments": {"ingest": deployment()},
        "contracts": contracts(),
        "corpus": corpus(),
    }
    return Baseline(**(values | changes))


def deployment(**changes: Any) -> Deployment:
    """A deployment's facts."""
    values: dict[str, Any] = {"entrypoint": "flows/ingest.py:ingest", "parameters": {}, "form": "f"}
    return Deployment(**(values | changes))


def contracts(**changes: Any) -> Contracts:
    """What the services answered; changes are of the embedder's contract."""
    return Contracts(
        embedder=EMBEDDER.model_copy(update=changes),
        parser=ParserContract(parser="local-2", chunker="markdown-3:400/50:wordllama"),
    )


def times(
    seconds: float, repetitions: int = 5, *, reference: float = 0.05, noise: float = 0.03,
    seed: int = 1, stage: str = "parse",
) -> list[Repetition]:  # fmt: skip
    """Measured times of one stage, with so much noise (standard deviation, as a share)."""
    chance = random.Random(seed)
    return [
        Repetition(
            stages={stage: seconds * (1 + chance.gauss(0, noise))}, reference=reference, pickup=1.0
        )
        for _ in range(repetitions)
    ]


def here(parts: Services) -> WorkOff:
    """Works a batch off in this process, with what is found inside its documents."""

    async def through(batch: Batch) -> None:
        jobs, taken = list(batch.jobs), set(batch.jobs)
        while jobs:
            await work_off(parts, jobs, batch.run_id)
            async with parts.database.service() as connection:
                waiting = await run_jobs.waiting_jobs(connection, batch.run_id)
            jobs = [each.job_id for each in waiting if each.job_id not in taken]
            taken.update(jobs)

    return through
