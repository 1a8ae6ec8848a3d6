"""Maps the gate's validation results to moves of jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from uuid import UUID

from checks.acceptance import Acceptance, with_acceptances
from checks.gate import Gate, warm_up
from checks.suites import Suite
from checks.validation_results import ValidationResult, quality_rows
from pipeline.compute_child import compute_beside
from pipeline.errors import GateRejection
from pipeline.states import JobState
from pipeline.store import review_decisions, withdrawal
from pipeline.store.claims import ClaimedJob
from pipeline.store.transitions import Move
from stages.batch import failure
from stages.services import Services

if TYPE_CHECKING:
    from pandas import DataFrame


class Judged(Protocol):
    """A version that is judged, and whose bytes it is."""

    @property
    def job_id(self) -> UUID: ...
    @property
    def user_id(self) -> UUID: ...
    @property
    def file_sha256(self) -> str: ...


class Asked(NamedTuple):
    """What a suite judges: rows, and what makes a frame of them where Great Expectations is.

    Attributes:
        frame: of `checks.frames`; it gets `rows` as its arguments.
    """

    suite: Suite
    frame: Callable[..., DataFrame]
    rows: tuple[Any, ...]


async def validate_rows(
    services: Services, asked: Sequence[Asked], jobs: Sequence[Judged]
) -> list[ValidationResult]:
    """Validate rows by their suites, all at once; a job without rows has failed.

    Raises:
        BrokenGate: no verdict is possible.
    """
    owners = {str(job.job_id): str(job.user_id) for job in jobs}
    results = await compute_beside(services.compute_lock, verdicts, asked, owners, loaded=warm_up)
    refused = {job for result in results for job in result.failures}
    if not refused:
        return results
    accepted = await _accepted(services, [job for job in jobs if str(job.job_id) in refused])
    return [with_acceptances(result, accepted) for result in results]


def verdicts(asked: Sequence[Asked], owners: Mapping[str, str]) -> list[ValidationResult]:
    """Each suite's verdict; `owners` are the jobs that must be there, and whose each is."""
    frames = [(one.suite, one.frame(*one.rows)) for one in asked]
    return Gate().check_together(frames, expected_jobs=owners, owners=owners)


async def _accepted(services: Services, jobs: Sequence[Judged]) -> dict[str, list[Acceptance]]:
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
