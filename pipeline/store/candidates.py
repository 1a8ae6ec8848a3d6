"""Finds the documents that a backfill takes up, by its named set and its filters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.backfill_choice import OTHER, BackfillChoice, Select
from pipeline.errors import ParseCode
from pipeline.states import FAILED, PUBLISHED, WORKING, JobState
from pipeline.store.acknowledging import ACKNOWLEDGED
from pipeline.store.engine import records
from pipeline.store.job_owners import OWNED, dead_holders, gone_claimers
from pipeline.store.registration import PipelineVersion, Source
from pipeline.store.same_space import same_space
from pipeline.store.schema import listed
from pipeline.store.superseded_jobs import LOST_CODES

PASSING_CODES = (
    ParseCode.TIMEOUT, ParseCode.OUT_OF_MEMORY, ParseCode.CRASHED, *LOST_CODES,
)  # fmt: skip
"""Errors of which the machine, the storage or the service may have been the cause."""

MOST_FAILURES = 3
"""A document that failed oftener is left to a person: nobody pays for it every night."""

SERVICE_AWAY = "circuit_open"
"""The code under which the stand-in's reading is noted when the parsing service was away."""


class Work(StrEnum):
    """What a backfill does with a document."""

    GO_ON = "goes on"
    RETRY = "is tried again"
    RENEW = "is made by today's pipeline"
    JUDGE_AGAIN = "is judged again"
    READ_AGAIN = "is read again"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a backfill looks for.

    Attributes:
        version: the pipeline of today. suites: their versions of today, by name.
        service: the parsing service, by the name of its budget.
        user_id: only this user's, None for everyone's.
        older_than_days: only what has not changed for so long.
    """

    select: Select
    version: PipelineVersion
    suites: Mapping[str, str]
    service: str = "local"
    user_id: UUID | None = None
    older_than_days: float | None = None
    choice: BackfillChoice = field(default_factory=BackfillChoice)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document whose newest job a backfill may take up.

    Attributes:
        pipeline: parser, chunker and model that made it, in words.
        judged: the versions of the suites that judged it, by name.
        by_others: it was judged by other suites than today's.
        stood_in: the local parser read it while the service was away.
    """

    job_id: UUID
    document_id: UUID
    user_id: UUID
    state: str
    parser: str
    chunker: str
    space_id: UUID
    pipeline: str
    judged: Mapping[str, str]
    by_others: bool
    stood_in: bool
    source: str
    name: str
    file_sha256: str
    file_bytes: int
    storage_key: str
    parent_id: UUID | None
    created_at: datetime

    @property
    def version(self) -> PipelineVersion:
        """The pipeline that it was accepted under."""
        return PipelineVersion(self.parser, self.chunker, self.space_id)

    @property
    def stored(self) -> Source:
        """Its bytes as they are stored."""
        return Source(
            self.source, self.name, self.file_sha256, self.file_bytes, self.storage_key,
            self.parent_id,
        )  # fmt: skip


_WORKING, _FAILED, _PUBLISHED = listed(WORKING), listed(FAILED), listed(PUBLISHED)

_OTHER_PIPELINE = f"""((j.parser, j.chunker) IS DISTINCT FROM (:parser, :chunker)
    OR NOT ({same_space("j")}))"""
_JUDGED = listed((*PUBLISHED, JobState.QUARANTINED))
# One that was judged before versions were kept was judged by others.
_BY_OTHERS = f"""(j.suites = '{{}}' AND j.state IN ({_JUDGED}) OR EXISTS (
    SELECT FROM jsonb_each_text(j.suites) AS was
    JOIN jsonb_each_text(CAST(:suites AS jsonb)) AS now USING (key)
    WHERE was.value <> now.value))"""
# Of the last reading, for a later one may have been the service's.
_STOOD_IN = """(j.parser LIKE '%-or-%' AND EXISTS (
    SELECT FROM job_events AS e WHERE e.job_id = j.id AND e.event = 'fell_back'
      AND e.details->>'code' = :away AND NOT EXISTS (
        SELECT FROM job_events AS l
        WHERE l.job_id = j.id AND l.id > e.id AND l.to_state = 'uploaded')))"""
_SERVICE_ANSWERS = """NOT EXISTS (
    SELECT FROM provider_budgets AS p WHERE p.provider = :service AND p.circuit <> 'closed')"""

_SETS: dict[Select, str] = {
    # Of published ones only what there is something to do with.
    "chosen": f"(j.state NOT IN ({_PUBLISHED}) OR {_OTHER_PIPELINE} OR :judge)",
    "waiting": f"j.state IN ({_WORKING})",
    "failed": f"j.state IN ({_FAILED}) AND NOT {ACKNOWLEDGED}",
    "outdated": _OTHER_PIPELINE,
    "gaps": f"j.state = '{JobState.COMPLETE_WITH_GAPS}'",
    "rejudge": f"j.state IN ({_JUDGED}) AND {_BY_OTHERS}",
    "nightly": f"""(
        j.state IN ({_FAILED}) AND NOT {ACKNOWLEDGED} AND j.error_code IN ({listed(PASSING_CODES)})
            AND j.failures <= {MOST_FAILURES}
        OR j.state = '{JobState.QUARANTINED}' AND NOT {ACKNOWLEDGED} AND {_BY_OTHERS}
            AND j.failures <= {MOST_FAILURES}
        OR j.state IN ({_PUBLISHED}) AND NOT {_OTHER_PIPELINE} AND {_STOOD_IN}
            AND {_SERVICE_ANSWERS})""",
}
_FILTERS = f"""
    AND (CAST(:user_id AS uuid) IS NULL OR j.user_id = :user_id)
    AND (CAST(:days AS double precision) IS NULL
         OR j.updated_at < now() - make_interval(secs => :days * 86400))
    AND (CAST(:source AS text) IS NULL OR d.source = :source OR starts_with(d.source, :below)
         OR starts_with(d.source, :inside) OR d.source LIKE :pattern)
    AND d.tags @> CAST(:tags AS text[])
    AND (CAST(:since AS timestamptz) IS NULL OR d.created_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR d.created_at < :until)
    AND (CAST(:states AS text[]) IS NULL OR j.state = ANY(CAST(:states AS text[])))
    AND CASE WHEN CAST(:pipeline AS text) IS NULL THEN true
             WHEN :pipeline = '{OTHER}' THEN {_OTHER_PIPELINE}
             ELSE starts_with(j.parser, :pipeline) OR starts_with(j.chunker, :pipeline)
                  OR starts_with(s.model, :pipeline) END
    AND CASE WHEN CAST(:suite AS text) IS NULL THEN true
             WHEN :suite = '{OTHER}' THEN {_BY_OTHERS}
             ELSE EXISTS (SELECT FROM jsonb_each_text(j.suites) AS was WHERE was.value = :suite) END
"""
# What was stopped or cancelled waits for a person, and what a living run owns is left to it.
_FREE = f"""
    AND j.stopped IS NULL AND j.state <> '{JobState.CANCELLED}' AND NOT {OWNED}
    AND (j.lease_until IS NULL OR j.lease_until < now()
         OR j.claimed_by = ANY(CAST(:gone AS text[])))
    AND NOT EXISTS (SELECT FROM run_jobs AS r WHERE r.run_id = :run_id AND r.job_id = j.id)
"""


def _statement(select: Select) -> sa.TextClause:
    return sa.text(
        f"""
        SELECT j.id AS job_id, d.id AS document_id, j.user_id, j.state, j.parser, j.chunker,
               j.space_id, concat_ws(', ', j.parser, j.chunker, s.model) AS pipeline,
               j.suites AS judged, {_BY_OTHERS} AS by_others, {_STOOD_IN} AS stood_in,
               d.source, d.name, j.file_sha256, j.file_bytes, j.storage_key, d.parent_id,
               d.created_at
        FROM documents AS d JOIN upload_jobs AS j ON j.id = d.latest_job_id
        JOIN embedding_spaces AS s ON s.id = j.space_id
        WHERE d.deleted_at IS NULL AND j.state NOT IN ('superseded', 'deleted')
          AND {_SETS[select]} {_FILTERS} {_FREE}
        ORDER BY j.updated_at, j.id LIMIT :limit
        """
    )


_STATEMENTS = {select: _statement(select) for select in _SETS}


async def candidates(
    connection: AsyncConnection, wanted: Wanted, run_id: UUID, limit: int | None = None
) -> list[Candidate]:
    """The documents that fit, the longest unchanged first, without those of the run itself."""
    values = {
        **_filters(wanted),
        "run_id": run_id,
        "limit": limit,
        "dead": await dead_holders(connection),
        "gone": await gone_claimers(connection),
    }
    return await records(connection, Candidate, _STATEMENTS[wanted.select], values)


def _filters(wanted: Wanted) -> dict[str, object]:
    choice, version = wanted.choice, wanted.version
    source = choice.source.rstrip("/") if choice.source else None
    return {
        "parser": version.parser,
        "chunker": version.chunker,
        "space": version.space_id,
        "suites": json.dumps(dict(wanted.suites)),
        "judge": choice.suite is not None,
        "away": SERVICE_AWAY,
        "service": wanted.service,
        "user_id": wanted.user_id,
        "days": wanted.older_than_days,
        "source": source,
        "below": f"{source}/",
        "inside": f"{source}#",
        "pattern": _pattern(source or ""),
        "tags": choice.tags,
        "since": choice.since,
        "until": choice.until,
        "states": choice.exact_states,
        "pipeline": choice.pipeline,
        "suite": choice.suite,
    }


def _pattern(source: str) -> str | None:
    """A pattern with stars for LIKE; None for a source without any."""
    if not set(source) & set("*?"):
        return None
    escaped = source.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%").replace("?", "_")


def work_of(candidate: Candidate, wanted: Wanted, *, able: bool) -> Work:
    """What is to be done with a document.

    Args:
        able: today's services can work under the pipeline that it was accepted under.
    """
    state = JobState(candidate.state)
    if state in WORKING:
        return Work.GO_ON if able else Work.RENEW
    if candidate.version != wanted.version:
        return Work.RENEW
    if state in FAILED:
        return Work.RETRY
    again = candidate.stood_in and wanted.select == "nightly"
    return Work.READ_AGAIN if again or wanted.select == "gaps" else Work.JUDGE_AGAIN


def by_work(
    found: Iterable[tuple[Candidate, Work]],
) -> dict[Work, list[Candidate]]:
    """Candidates by what is to be done with them."""
    sorted_out: dict[Work, list[Candidate]] = {}
    for candidate, work in found:
        sorted_out.setdefault(work, []).append(candidate)
    return sorted_out
