"""Maps the gate's validation results to moves of jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from checks.acceptance import Acceptance, with_acceptances
from checks.gate import Gate
from checks.suites import Suite
from checks.validation_results import ValidationResult, quality_rows
from pipeline.errors import GateRejection
from pipeline.states import JobState
from pipeline.store import review_decisions, withdrawal
from pipeline.store.claims import ClaimedJob
from pipeline.store.transitions import Move
from stages.batch import failure
from stages.services import Services

if TYPE_CHECKING:
    from pandas import DataFrame


async def validate_frame(
    services: Services, suite: Suite, frame: DataFrame, jobs: Sequence[ClaimedJob]
) -> ValidationResult:
    """Validate a frame in a thread; a job without rows in it has failed."""
    return (await validate_frames(services, [(suite, frame)], jobs))[0]


async def validate_frames(
    services: Services, asked: Sequence[tuple[Suite, DataFrame]], jobs: Sequence[ClaimedJob]
) -> list[ValidationResult]:
    """Validate frames of different suites at once, as `validate_frame` does each."""
    owners = {str(job.job_id): str(job.user_id) for job in jobs}
    results = await services.compute_lock.compute(
        lambda: Gate().check_together(asked, expected_jobs=owners, owners=owners)
    )
    refused = {job for result in results for job in result.failures}
    if not refused:
        return results
    accepted = await _accepted(services, [job for job in jobs if str(job.job_id) in refused])
    return [with_acceptances(result, accepted) for result in results]


async def _accepted(services: Services, jobs: Sequence[ClaimedJob]) -> dict[str, list[Acceptance]]:
    """What persons let pass of these jobs' bytes."""
    async with services.database.service() as connection:
        files = sorted({(job.user_id, job.file_sha256) for job in jobs})
        known = await review_decisions.of_files(connection, "accept", files)
    return {
        str(job.job_id): [
            Acceptance(**finding, told=f"{each.who} on {each.created_at:%Y-%m-%d}: {each.reason}")
            for each in known.get((job.user_id, job.file_sha256), ())
            for finding in each.findings
        ]
        for job in jobs
    }


def outcome_moves(
    jobs: Sequence[ClaimedJob],
    result: ValidationResult,
    passed: JobState | None,
    stage: str,
    measured: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Move]:
    """Move rejected jobs into quarantine, each with its reason; the others to `passed`, if given.

    Args:
        measured: facts of the jobs, by job id as text, to keep with those that go on.
    """
    moves = []
    judged = {"suites": {result.suite.name: result.suite.version}}
    for job in jobs:
        if reason := result.reason(str(job.job_id)):
            error = rejection(reason)
            rejected = failure(job, JobState.QUARANTINED, error, stage)
            moves.append(replace(rejected, facts=judged))
        elif passed is not None:
            facts = {
                "stage": stage,
                "seconds": result.seconds / len(jobs),
                **judged,
                **(measured or {}).get(str(job.job_id), {}),
            }
            moves.append(Move(job.job_id, job.attempt, job.state, passed, facts=facts))
    return moves


async def withdraw_refused(services: Services, moves: Iterable[Move]) -> None:
    """Take from readers what a decision held up that was taken back, before it is quarantined.

    In a transaction of its own, before: one that is interrupted in between is judged again.
    """
    refused = sorted(each.job_id for each in moves if each.target is JobState.QUARANTINED)
    if refused:
        async with services.database.service() as connection:
            await withdrawal.withdraw(connection, refused)


def rejection(reason: str) -> GateRejection:
    """The gate's reason as the job's error."""
    return GateRejection(
        reason[0].upper() + reason[1:] + ("" if reason.endswith(".") else "."),
        remedy="Compare its pages, then accept it or correct what was read "
        "(`navigator review`), or mend the file.",
    )


def result_records(result: ValidationResult) -> Iterator[dict[str, Any]]:
    """The rows for `quality_results`."""
    for row in quality_rows(result):
        yield {**asdict(row), "examples": json.loads(row.examples)}
