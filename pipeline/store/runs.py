"""Runs: what one ingest or backfill was asked to do, what it spent, its progress."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.folder_walk import PassedOver
from pipeline.skipped_deletions import KEPT
from pipeline.sources import PASSED_OVER, RejectedFile, passed_over_files
from pipeline.states import JobState
from pipeline.store.acknowledging import ACKNOWLEDGED
from pipeline.store.engine import records, rows

MOST_LINKS = 1000
_START = sa.text(
    """
    INSERT INTO ingest_runs
        (id, user_id, kind, flow_run_id, options, max_cost_usd, asked, finished_at)
    VALUES (:id, :user_id, :kind, :flow_run_id, CAST(:options AS jsonb), :max_cost_usd, :asked,
            CASE WHEN :ended THEN clock_timestamp() END)
    ON CONFLICT (id) DO NOTHING
    """
)
_FINISH = sa.text(
    """
    UPDATE ingest_runs SET finished_at = clock_timestamp(), stopped = :stopped,
        held_by = NULL, held_until = NULL
    WHERE id = :id
    """
)


async def start_run(
    connection: AsyncConnection,
    run_id: UUID,
    user_id: UUID,
    kind: str,
    *,
    flow_run_id: UUID | None = None,
    options: dict[str, Any] | None = None,
    max_cost_usd: Decimal | None = None,
    asked: bool = True,
    ended: bool = False,
) -> None:
    """Open a run; opening it again (a retried flow) changes nothing.

    Args:
        asked: a person asks for these documents: what was stopped of them goes on. Not so a run
            that a schedule started.
        ended: it is over with its opening, as one that does nothing but take a file in.
    """
    await connection.execute(
        _START,
        {
            "id": run_id,
            "user_id": user_id,
            "kind": kind,
            "flow_run_id": flow_run_id,
            "options": json.dumps(options or {}),
            "max_cost_usd": max_cost_usd,
            "asked": asked,
            "ended": ended,
        },
    )


async def finish_run(connection: AsyncConnection, run_id: UUID, stopped: str | None) -> None:
    """Close a run, which then owns no job; `stopped` says in a sentence why it ended early."""
    await connection.execute(_FINISH, {"id": run_id, "stopped": stopped})


_SPENT = sa.text("SELECT cost_usd FROM ingest_runs WHERE id = :id")


async def spent(connection: AsyncConnection, run_id: UUID) -> Decimal:
    """What a run has been billed so far, in US dollars."""
    return Decimal(await connection.scalar(_SPENT, {"id": run_id}) or 0)


_BEGIN = sa.text("UPDATE ingest_runs SET flow_run_id = :flow_run_id WHERE id = :id")


async def begin_run(connection: AsyncConnection, run_id: UUID, flow_run_id: UUID | None) -> None:
    """Note which flow run works on a run."""
    await connection.execute(_BEGIN, {"id": run_id, "flow_run_id": flow_run_id})


_FLOW_RUN = sa.text("SELECT flow_run_id FROM ingest_runs WHERE id = :id")


async def flow_run_of(connection: AsyncConnection, run_id: UUID) -> UUID | None:
    """Which flow run works on a run, or did."""
    found: UUID | None = (await connection.execute(_FLOW_RUN, {"id": run_id})).scalar()
    return found


_REJECT = sa.text(
    """
    UPDATE ingest_runs SET rejected = rejected || CAST(:files AS jsonb)
    WHERE id = :id AND user_id = :user_id
    """
)


async def reject(
    connection: AsyncConnection, run_id: UUID, user_id: UUID, files: Sequence[RejectedFile]
) -> None:
    """Keep with the user's run which files could not be taken in, and why.

    A run over several users' documents keeps none: nobody's files are filed under another.
    """
    if files:
        records = json.dumps([asdict(file) for file in files])
        await connection.execute(_REJECT, {"id": run_id, "user_id": user_id, "files": records})


_REJECTED = sa.text("SELECT rejected FROM ingest_runs WHERE id = :id")


async def pass_over(
    connection: AsyncConnection, run_id: UUID, user_id: UUID, links: Sequence[PassedOver]
) -> None:
    """Keep with the user's run which links were not followed, `MOST_LINKS` of them at most."""
    await reject(connection, run_id, user_id, passed_over_files(links[:MOST_LINKS]))


async def rejected_files(connection: AsyncConnection, run_id: UUID) -> list[RejectedFile]:
    """The files that a run could not take in."""
    found = await _rejected(connection, run_id)
    return [each for each in found if each.code not in (PASSED_OVER, KEPT)]


async def kept_by_sync(connection: AsyncConnection, run_id: UUID) -> list[RejectedFile]:
    """The documents whose files are gone and that a run did not delete."""
    found = await _rejected(connection, run_id)
    return list(dict.fromkeys(each for each in found if each.code == KEPT))


async def passed_over(connection: AsyncConnection, run_id: UUID) -> list[RejectedFile]:
    """The links that a run did not follow, each once; they are nobody's failure."""
    found = await _rejected(connection, run_id)
    return list(dict.fromkeys(each for each in found if each.code == PASSED_OVER))


async def _rejected(connection: AsyncConnection, run_id: UUID) -> list[RejectedFile]:
    found = await connection.scalar(_REJECTED, {"id": run_id})
    return [RejectedFile(**record) for record in found or []]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: documents by state, and sums over them; unchanged ones apart."""

    by_state: dict[str, int]
    unchanged: int
    chunks: int
    tokens: int
    billed_tokens: int
    cost_usd: Decimal

    @property
    def documents(self) -> int:
        """The documents that the run has, or had, to work on."""
        return sum(self.by_state.values())

    def count(self, states: Iterable[JobState]) -> int:
        """Documents in any of the states."""
        return sum(self.by_state.get(state.value, 0) for state in states)


_PROGRESS = sa.text(
    """
    SELECT j.state, count(*) AS documents, coalesce(sum(j.chunks), 0) AS chunks,
           coalesce(sum(j.tokens), 0) AS tokens, sum(j.billed_tokens) AS billed
    FROM run_jobs AS r JOIN upload_jobs AS j ON j.id = r.job_id
    WHERE r.run_id = :id AND r.outcome <> 'unchanged' GROUP BY j.state
    """
)
_UNCHANGED = sa.text("SELECT count(*) FROM run_jobs WHERE run_id = :id AND outcome = 'unchanged'")
_COST = sa.text("SELECT cost_usd FROM ingest_runs WHERE id = :id")


async def progress(connection: AsyncConnection, run_id: UUID) -> Progress:
    """Where the run's documents stand now; unchanged ones are left out."""
    found = await rows(connection, _PROGRESS, {"id": run_id})
    return Progress(
        by_state={row["state"]: row["documents"] for row in found},
        unchanged=int(await connection.scalar(_UNCHANGED, {"id": run_id}) or 0),
        chunks=sum(int(row["chunks"]) for row in found),
        tokens=sum(int(row["tokens"]) for row in found),
        billed_tokens=sum(int(row["billed"]) for row in found),
        cost_usd=await connection.scalar(_COST, {"id": run_id}) or Decimal(0),
    )


@dataclass(frozen=True, slots=True)
class RunDocument:
    """One document's line in a run's table; `notes` as `job_notes` records them.

    Attributes:
        acknowledged: a person knows that it failed.
    """

    source: str
    name: str
    document_id: UUID
    job_id: UUID
    outcome: str
    state: str
    pages: int | None
    chunks: int | None
    tokens: int | None
    billed_tokens: int
    cost_usd: Decimal
    seconds: float
    notes: list[dict[str, Any]]
    error_code: str | None
    error_message: str | None
    error_remedy: str | None
    acknowledged: bool = False


_DOCUMENTS = sa.text(
    f"""
    SELECT r.source, d.name, d.id AS document_id, j.id AS job_id, r.outcome, j.state, j.pages,
           j.chunks, j.tokens, j.billed_tokens, j.cost_usd,
           (SELECT coalesce(sum(value::float), 0)
            FROM jsonb_each_text(j.stage_seconds)) AS seconds,
           j.notes, j.error_code, j.error_message, j.error_remedy,
           {ACKNOWLEDGED} AS acknowledged
    FROM run_jobs AS r
    JOIN upload_jobs AS j ON j.id = r.job_id
    JOIN documents AS d ON d.id = j.document_id
    WHERE r.run_id = :id ORDER BY r.source
    """
)


async def run_documents(connection: AsyncConnection, run_id: UUID) -> list[RunDocument]:
    """Every document of a run, by source."""
    return await records(connection, RunDocument, _DOCUMENTS, {"id": run_id})
