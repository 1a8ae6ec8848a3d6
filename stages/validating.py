"""Validates text: records what parsing found, then lets the gate check each document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from uuid import UUID

from checks.company_rules import Measure
from checks.frames import FidelityRow, fidelity_frame
from checks.suites_in_force import suites_in_force
from checks.validation_results import ValidationResult
from clients.storage.objects import ObjectMissing
from pipeline.documents import ParsedDocument
from pipeline.errors import BrokenGate, ValidationError
from pipeline.failpoints import failpoint
from pipeline.job_notes import JobNote, job_notes
from pipeline.parsing.assessment.gaps import with_gaps_noted
from pipeline.parsing.assessment.validation import TextAssessment, assess
from pipeline.states import JobState
from pipeline.store import quality
from pipeline.store.claims import ClaimedJob
from pipeline.store.transitions import Move, move
from stages.attaching import with_files_inside
from stages.batch import Batch, StageResult, actor, failure, jobs_at, make_moves
from stages.gate_outcomes import (
    Asked,
    outcome_moves,
    result_records,
    validate_rows,
    withdraw_refused,
)
from stages.parsing import ParseReference
from stages.services import Services
from stages.text_storage import facts_of, parsed_texts


async def queue(services: Services, batch: Batch) -> None:
    """The jobs that were only uploaded are now to be parsed."""
    jobs = await jobs_at(services, batch, JobState.UPLOADED)
    await make_moves(
        services,
        batch,
        (Move(j.job_id, j.attempt, JobState.UPLOADED, JobState.PARSE_QUEUED) for j in jobs),
    )


async def record_parsed(
    services: Services, batch: Batch, references: Sequence[ParseReference]
) -> StageResult:
    """Move the queued jobs to `parsed` or, with the parser's reason, to `failed_parse`."""
    found = {reference.job_id: reference for reference in references}
    jobs = await jobs_at(services, batch, JobState.PARSE_QUEUED)
    facts = await facts_of(services, [each.key for each in references if each.has_facts])
    found = await with_files_inside(services, batch, jobs, found)
    moves = [_recorded(job, found[job.job_id], facts) for job in jobs if job.job_id in found]
    result = await make_moves(services, batch, moves)
    failpoint("after-parse-commit")
    return result


def _recorded(
    job: ClaimedJob, found: ParseReference, facts_by_key: Mapping[str | None, dict[str, str]]
) -> Move:
    if (error := found.error) is not None:
        return failure(job, JobState.FAILED_PARSE, error, "parse")
    facts = {
        "parsed_key": found.key,
        "media_type": found.media_type,
        "pages": found.pages,
        "characters": found.characters,
        "replaced": found.replaced,
        "notes": [note.record() for note in found.notes],
        "facts": facts_by_key.get(found.key, {}),
        "language": found.language,
        "stage": "parse",
        "seconds": found.seconds,
    }
    return Move(job.job_id, job.attempt, job.state, JobState.PARSED, facts=facts)


async def validate(
    services: Services, batch: Batch, references: Sequence[ParseReference] = ()
) -> tuple[StageResult, list[ValidationResult]]:
    """Judge the text of the parsed jobs: on to `parse_validated`, or into quarantine.

    Args:
        references: of what was parsed just now; the texts of other jobs are read again.

    Raises:
        BrokenGate: no verdict is possible; nothing is written.
    """
    jobs = await jobs_at(services, batch, JobState.PARSED)
    if not jobs:
        return StageResult(), []
    measures = services.company_rules.measures
    known = {each.job_id: (each.assessment, each.notes) for each in references if each.assessment}
    if measures:  # of the text itself, which a reference does not hold
        known = {}
    rows = [fidelity_row(j.job_id, *known[j.job_id]) for j in jobs if j.job_id in known]
    measured: dict[str, dict[str, float]] = {column: {} for column in measures}
    lost = []
    unread = [job for job in jobs if job.job_id not in known]
    async for job, document in parsed_texts(services, unread):
        if isinstance(document, ObjectMissing):
            error = ValidationError(document.message, code=document.code, remedy=document.remedy)
            lost.append(failure(job, JobState.FAILED_VALIDATION, error, "validate"))
            continue
        notes = job_notes(with_gaps_noted(document), job.parser)
        rows.append(fidelity_row(job.job_id, assess(document), notes))
        for column, measure in measures.items():
            measured[column][str(job.job_id)] = measured_by(column, measure, document)
    judged = [job for job in jobs if job.job_id not in {each.job_id for each in lost}]
    moves, results, records = list(lost), [], []
    if judged:
        fidelity, *_ = suites_in_force(services.settings, services.company_rules)
        asked = Asked(fidelity, fidelity_frame, (rows, measured))
        [result] = await validate_rows(services, [asked], judged)
        facts = {row.job_id: {"coverage": row.pages_with_text / max(row.pages, 1)} for row in rows}
        moves += outcome_moves(judged, result, JobState.PARSE_VALIDATED, "validate", facts)
        results.append(result)
        records = list(result_records(result))
    await withdraw_refused(services, moves)
    async with services.database.service(repeatable=True) as connection:
        moved = await move(connection, moves, actor(services, batch))
        await quality.record(connection, records, run_id=batch.run_id, user_id=jobs[0].user_id)
    failpoint("after-validate-commit")
    failed = sum(each.error is not None and each.job_id in moved for each in moves)
    return StageResult(len(moved) - failed, failed), results


def measured_by(column: str, measure: Measure, document: ParsedDocument) -> float:
    """What a company's own measure finds in a document.

    Raises:
        BrokenGate: the measure failed.
    """
    try:
        return float(measure(document))
    except Exception as error:
        raise BrokenGate(f"The measure {column} failed: {type(error).__name__}.") from error


def fidelity_row(job_id: UUID, seen: TextAssessment, notes: Sequence[JobNote]) -> FidelityRow:
    """What the fidelity suite judges of a document."""
    gaps = [note for note in notes if note.gap]
    told = " ".join(dict.fromkeys(f"{gap.message} {gap.remedy}" for gap in gaps))
    measured = {name: getattr(seen, name) for name in _MEASURED}
    return FidelityRow(job_id=str(job_id), **measured, gaps=len(gaps), gaps_told=told)


_MEASURED = [
    each.name for each in fields(FidelityRow) if each.name not in ("job_id", "gaps", "gaps_told")
]
"""What a row takes from the assessment as it is."""
