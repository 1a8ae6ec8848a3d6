"""Keeps what persons decided of documents: accepted findings, corrections, rejections.

Rows are added and never changed: what was decided is taken back by another row. They are about the
bytes of one user (user, hash of the file), so they hold for every later reading of the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import UsageError
from pipeline.store.engine import records, rows


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """A decision of a person.

    Attributes:
        decision: ``accept``, ``correct``, ``reject`` or ``undo``.
        findings: what was accepted or rejected: suite, rule, sentence and failed rows of each.
        correction: as `pipeline.corrections.Correction.record` has it; None for others.
    """

    id: UUID
    user_id: UUID
    document_id: UUID
    job_id: UUID
    file_sha256: str
    decision: str
    reason: str
    who: str
    findings: list[dict[str, Any]]
    correction: dict[str, Any] | None
    created_at: datetime
    undoes: UUID | None = None


_COLUMNS = """
    id, user_id, document_id, job_id, file_sha256, decision, reason, who, findings, correction,
    created_at, undoes
"""
IN_FORCE = "NOT EXISTS (SELECT FROM review_decisions AS u WHERE u.undoes = {}.id)"
"""Whether nobody has taken a decision back."""
# The audit has the decision in the same transaction, and no words of the document.
_ADD = sa.text(
    f"""
    WITH made AS (
        INSERT INTO review_decisions (id, user_id, document_id, job_id, file_sha256, decision,
                                      reason, who, findings, correction, undoes)
        SELECT :id, j.user_id, j.document_id, j.id, j.file_sha256, :decision, :reason, :who,
               CAST(:findings AS jsonb), CAST(:correction AS jsonb), CAST(:undoes AS uuid)
        FROM upload_jobs AS j WHERE j.id = :job
        RETURNING {_COLUMNS}
    ), told AS (
        INSERT INTO job_events (job_id, document_id, user_id, run_id, correlation_id, event,
                                attempt, actor, details)
        SELECT j.id, j.document_id, j.user_id, :run_id, j.correlation_id, :event, j.attempt,
               'person', jsonb_build_object('review', m.id, 'by', m.who)
        FROM made AS m JOIN upload_jobs AS j ON j.id = m.job_id
    )
    SELECT * FROM made
    """
)
_EVENTS = {
    "accept": "accepted",
    "correct": "corrected",
    "reject": "rejected",
    "undo": "decision undone",
}
_OF_FILES = sa.text(
    f"""
    SELECT {_COLUMNS} FROM review_decisions AS r
    WHERE decision = :decision AND {IN_FORCE.format("r")} AND (user_id, file_sha256) IN (
        SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:shas AS text[])))
    ORDER BY created_at, id
    """
)
_OF_DOCUMENT = sa.text(
    f"""
    SELECT {_COLUMNS} FROM review_decisions
    WHERE document_id = :document ORDER BY created_at DESC, id LIMIT 200
    """
)


_STATE = sa.text(
    """
    SELECT j.state FROM documents AS d JOIN upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.id = :document AND j.id = :job AND d.deleted_at IS NULL
    """
)


async def state_of(connection: AsyncConnection, document_id: UUID, job_id: UUID) -> str | None:
    """Where a document's newest version stands; None where the job is not that version."""
    found: str | None = await connection.scalar(_STATE, {"document": document_id, "job": job_id})
    return found


async def add(
    connection: AsyncConnection,
    decision_id: UUID,
    job_id: UUID,
    decision: str,
    reason: str,
    who: str,
    *,
    run_id: UUID | None = None,
    findings: Iterable[Mapping[str, Any]] = (),
    correction: Mapping[str, Any] | None = None,
    undoes: UUID | None = None,
) -> ReviewDecision:
    """Write a decision down, with its event in the audit.

    Args:
        job_id: the version that it was made of; whose it is and its bytes are that version's.
        undoes: the decision that this one takes back.

    Raises:
        UsageError: that one has been taken back already.
    """
    given = {
        "id": decision_id,
        "job": job_id,
        "decision": decision,
        "event": _EVENTS[decision],
        "reason": reason,
        "who": who,
        "run_id": run_id,
        "findings": json.dumps(list(findings)),
        "correction": None if correction is None else json.dumps(correction),
        "undoes": undoes,
    }
    try:
        (row,) = await rows(connection, _ADD, given)
    except IntegrityError as error:
        if undoes is None:
            raise
        raise UsageError("That decision has been taken back already.") from error
    return ReviewDecision(**row)


async def of_files(
    connection: AsyncConnection, decision: str, files: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], list[ReviewDecision]]:
    """The decisions of one kind that hold, about these bytes of users, the oldest first."""
    values = {
        "decision": decision,
        "users": [user for user, _ in files],
        "shas": [sha256 for _, sha256 in files],
    }
    found: dict[tuple[UUID, str], list[ReviewDecision]] = {}
    for each in await records(connection, ReviewDecision, _OF_FILES, values):
        found.setdefault((each.user_id, each.file_sha256), []).append(each)
    return found


async def of_document(connection: AsyncConnection, document_id: UUID) -> list[ReviewDecision]:
    """What was decided of a document, newest first, as the connection's role may see it."""
    return await records(connection, ReviewDecision, _OF_DOCUMENT, {"document": document_id})
