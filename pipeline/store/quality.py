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
from pipeline.store.schema import SCHEMA

_INSERT = sa.text(
    f"""
    INSERT INTO {SCHEMA}.quality_results (user_id, run_id, job_id, suite, suite_version, rule,
        title, severity, success, evaluated, failed, observed, sentence, examples)
    SELECT coalesce(j.user_id, q.user_id, :user_id), :run_id, q.job_id, q.suite,
        q.suite_version, q.rule, q.title, q.severity, q.success, q.evaluated, q.failed,
        q.observed, q.sentence, q.examples
    FROM jsonb_to_recordset(CAST(:results AS jsonb)) AS q(job_id uuid, user_id uuid, suite text,
        suite_version text, rule text, title text, severity text, success boolean,
        evaluated int, failed int, observed text, sentence text, examples jsonb)
    LEFT JOIN {SCHEMA}.upload_jobs AS j ON j.id = q.job_id
    """  # noqa: S608
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
    f"""
    SELECT suite, suite_version, rule, title, severity, sum(evaluated)::int AS evaluated,
           sum(failed)::int AS failed
    FROM {SCHEMA}.quality_results WHERE run_id = :run_id AND job_id IS NULL
    GROUP BY suite, suite_version, rule, title, severity ORDER BY min(id)
    """  # noqa: S608
)


async def summarize(connection: AsyncConnection, run_id: UUID) -> list[RuleSummary]:
    """What the gate checked in a run, rule by rule, in the order of checking."""
    return await records(connection, RuleSummary, _SUMMARIZE, {"run_id": run_id})
