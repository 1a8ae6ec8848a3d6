"""Moves jobs between states: one fenced UPDATE that checks, moves and writes the audit.

Every move names the state and, when a worker makes it, the attempt it comes from. A job that is no
longer there, or no longer ours, is not moved and not returned: its late writer is fenced out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import IllegalTransition, NavigatorError
from pipeline.states import ENDED, PUBLISHED, JobState, may
from pipeline.store.schema import listed
from pipeline.worker_identity import release_of_process


@dataclass(frozen=True, slots=True)
class Move:
    """One job's step.

    Attributes:
        attempt: the fencing token of the claim, or None for a person's or the system's move.
        facts: columns of the job that this stage found out (`pages`, `chunks` …).
        error: why, for a failure end.
        details: small values for the audit; never document text.
    """

    job_id: UUID
    attempt: int | None
    source: JobState
    target: JobState
    facts: dict[str, Any] = field(default_factory=dict)
    error: NavigatorError | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Actor:
    """On whose behalf a change is made, for the audit.

    Attributes:
        name: a worker's name, ``person`` or ``system``.
        run_id: the run that it belongs to.
    """

    name: str
    run_id: UUID | None = None


def in_order(ids: str, condition: str = "true") -> str:
    """A CTE `ordered` that locks those jobs in the order of their ids.

    Every statement over several jobs takes its locks through it, so that two of them never wait
    for each other in a circle: Postgres would end one, and with it what was just paid for.
    """
    return f"""ordered AS (
        SELECT id FROM upload_jobs WHERE id = ANY({ids}) AND {condition}
        ORDER BY id FOR NO KEY UPDATE
    )"""


_ENDED = listed(ENDED)
_PUBLISHED = listed(PUBLISHED)

_MOVE = sa.text(
    f"""
    WITH move AS (
        SELECT * FROM jsonb_to_recordset(CAST(:moves AS jsonb)) AS m(
            job_id uuid, attempt int, source text, target text, details jsonb,
            error_class text, error_code text, error_message text, error_remedy text,
            parsed_key text, pages int, coverage double precision, characters bigint,
            replaced int, media_type text, notes jsonb, facts jsonb, language text,
            chunks int, tokens bigint, suites jsonb, personal_data jsonb, stage text,
            seconds double precision)
    ), ordered AS (
        -- locked in the order of their ids, as `in_order` does; with the move's own columns, for
        -- joined to it again each row would be compared with each
        SELECT m.* FROM move AS m JOIN upload_jobs AS l ON l.id = m.job_id
        ORDER BY l.id FOR NO KEY UPDATE OF l
    ), moved AS (
        UPDATE upload_jobs AS j SET
            state = m.target,
            failed_from = CASE WHEN m.error_code IS NOT NULL THEN m.source END,
            error_class = m.error_class, error_code = m.error_code,
            error_message = m.error_message, error_remedy = m.error_remedy,
            failures = CASE WHEN m.target IN ({_PUBLISHED}) THEN 0
                            ELSE j.failures + (m.error_code IS NOT NULL)::int END,
            parsed_key = coalesce(m.parsed_key, j.parsed_key),
            media_type = coalesce(m.media_type, j.media_type),
            pages = coalesce(m.pages, j.pages),
            coverage = coalesce(m.coverage, j.coverage),
            characters = coalesce(m.characters, j.characters),
            replaced = coalesce(m.replaced, j.replaced),
            notes = coalesce(m.notes, j.notes),
            facts = coalesce(m.facts, j.facts),
            language = coalesce(m.language, j.language),
            chunks = coalesce(m.chunks, j.chunks),
            tokens = coalesce(m.tokens, j.tokens),
            personal_data = coalesce(m.personal_data, j.personal_data),
            suites = j.suites || coalesce(m.suites, '{{}}'),
            stage_seconds = CASE WHEN m.stage IS NULL THEN j.stage_seconds
                ELSE j.stage_seconds || jsonb_build_object(m.stage, round(m.seconds::numeric, 4))
                END,
            claimed_by = CASE WHEN m.target IN ({_ENDED}) THEN NULL ELSE j.claimed_by END,
            lease_until = CASE WHEN m.target IN ({_ENDED}) THEN NULL ELSE j.lease_until END,
            finished_at = CASE WHEN m.target IN ({_ENDED}) THEN clock_timestamp() END,
            not_before = NULL, troubles = 0, waits_for = NULL,
            updated_at = clock_timestamp()
        FROM ordered AS m
        WHERE j.id = m.job_id AND j.state = m.source
          AND (m.attempt IS NULL OR (j.attempt = m.attempt AND j.claimed_by = :worker))
        RETURNING j.id, j.document_id, j.user_id, j.correlation_id, j.attempt,
                  m.source, m.target, m.details, m.error_code
    )
    INSERT INTO job_events (job_id, document_id, user_id, run_id, correlation_id,
                                     event, from_state, to_state, attempt, actor, details)
    SELECT id, document_id, user_id, :run_id, correlation_id,
           CASE WHEN error_code IS NULL THEN 'moved' ELSE 'failed' END,
           source, target, attempt, :worker, coalesce(details, '{{}}')
    FROM moved
    RETURNING job_id
    """
)


async def move(connection: AsyncConnection, moves: Sequence[Move], actor: Actor) -> set[UUID]:
    """Make the moves that are still ours to make, with their audit rows.

    Returns:
        The ids of the jobs that moved; the others are held by somebody else now.

    Raises:
        IllegalTransition: the state machine has no such step; nothing is written.
    """
    for each in moves:
        if not may(each.source, each.target):
            raise IllegalTransition(f"A job cannot go from {each.source} to {each.target}.")
    if not moves:
        return set()
    result = await connection.execute(
        _MOVE,
        {
            "moves": json.dumps([_record(each) for each in moves]),
            "worker": actor.name,
            "run_id": actor.run_id,
        },
    )
    return set(result.scalars())


def _record(each: Move) -> dict[str, Any]:
    record: dict[str, Any] = {
        "job_id": str(each.job_id),
        "attempt": each.attempt,
        "source": each.source.value,
        "target": each.target.value,
        "details": _signed(each.details),
        **each.facts,
    }
    if each.error is not None:
        record |= {
            "error_class": type(each.error).__name__,
            "error_code": each.error.code,
            "error_message": each.error.message,
            "error_remedy": each.error.remedy,
        }
        record["details"] |= {"code": each.error.code, "why": each.error.message}
    return record


def _signed(details: dict[str, Any]) -> dict[str, Any]:
    """The details with the release that made the step, so that the audit tells who worked."""
    release = release_of_process()
    return {**details, "release": release} if release else {**details}
