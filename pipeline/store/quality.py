"""Stores validation results: a row for each rule, batch and user, one for each failed document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records

_INSERT = sa.text(
    """
    INSERT INTO quality_results (user_id, run_id, job_id, suite, suite_version, rule,
        title, severity, success, evaluated, failed, observed, sentence, examples)
    SELECT coalesce(j.user_id, q.user_id, :user_id), :run_id, q.job_id, q.suite,
        q.suite_version, q.rule, q.title, q.severity, q.success, q.evaluated, q.failed,
        q.observed, q.sentence, q.examples
    FROM jsonb_to_recordset(CAST(:results AS jsonb)) AS q(job_id uuid, user_id uuid, suite text,
        suite_version text, rule text, title text, severity text, success boolean,
        evaluated int, failed int, observed text, sentence text, examples jsonb)
    LEFT JOIN upload_jobs AS j ON j.id = q.job_id
    """
)


async def record(
    connection: AsyncConnection,
    results: Iterable[Mapping[str, Any]],
    *,
    run_id: UUID | None,
    user_id: UUID | None,
) -> None:
    """Add results, each with the columns of `quality_results` by name.

    Args:
        user_id: of the rows that name neither job nor user: the whole batch is one user's.
    """
    values = {"results": json.dumps(list(results), default=str), "run_id": run_id}
    await connection.execute(_INSERT, {**values, "user_id": user_id})


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """One rule over a whole run: rows checked and failed; `severity` of a failure."""

    suite: str
    suite_version: str
    rule: str
    title: str
    severity: str
    evaluated: int
    failed: int


_SUMMARIZE = sa.text(
    """
    SELECT suite, suite_version, rule, title, severity, sum(evaluated)::int AS evaluated,
           sum(failed)::int AS failed
    FROM quality_results WHERE run_id = :run_id AND job_id IS NULL
    GROUP BY suite, suite_version, rule, title, severity ORDER BY min(id)
    """
)


async def summarize(connection: AsyncConnection, run_id: UUID) -> list[RuleSummary]:
    """What the gate checked in a run, rule by rule, in the order of checking."""
    return await records(connection, RuleSummary, _SUMMARIZE, {"run_id": run_id})


_FINDINGS = sa.text(
    """
    SELECT q.sentence FROM quality_results AS q
    JOIN documents AS d ON d.latest_job_id = q.job_id
    WHERE d.id = :document AND NOT q.success AND q.severity = :severity
      AND (q.severity = 'critical' OR q.rule <> 'gaps')  -- told by the notes
    ORDER BY q.id
    """
)


async def quality_findings(connection: AsyncConnection, document: UUID, severity: str) -> list[str]:
    """What the gate found in the newest version, in sentences; empty when it found nothing.

    Args:
        severity: ``critical`` for why it refused it, ``warning`` for what it only told.
    """
    values = {"document": document, "severity": severity}
    found = (await connection.execute(_FINDINGS, values)).scalars()
    return list(dict.fromkeys(found))
