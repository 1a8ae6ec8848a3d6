"""The lock order: one order in which all transactions lock rows, so that none deadlock.

Two transactions that lock the same things in opposite orders wait for each other for ever; Postgres
then ends one of them, and with it what was just paid for. So every transaction takes its locks in
the order of `ORDER`, and rows of one table by their key, in one statement:

- A statement over several rows of a table locks them first, in a CTE with ORDER BY … FOR NO KEY
  UPDATE (or FOR UPDATE, before a DELETE).
- What is written again after tables that come later has to be locked already: so who needs several
  documents or jobs locks all of them at the beginning (`lock_documents`, `lock_jobs`).
- Rows in `GUARDED` belong to one row of another table, and are written only under its lock; their
  own order does not matter.
- Advisory locks come first, but for `CLEARING`, which publishers take after the chunks.
- Rows that every request of a run waits for (`provider_budgets`, `ingest_runs`) come last.

Foreign keys lock too: a row that refers to another one locks that other against deletion. So do
triggers: who writes chunks waits for who indexes their words (`unindexed_chunks`), and who indexes
waits for nobody. The tests record what every transaction locks and fail on an inversion
(`tests/lock_checking.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

# Advisory locks by number: any will do, as long as every process uses the same.
SPACE_MADE = 620_812
REMOVALS = 620_813
ANNOUNCEMENTS = 620_814
CLEARING = 620_815
WORD_INDEX = 620_816
FILLED_SPACES = 620_817

ORDER: tuple[str | int, ...] = (
    SPACE_MADE,
    FILLED_SPACES,
    ANNOUNCEMENTS,
    REMOVALS,
    WORD_INDEX,
    "documents",
    "upload_jobs",
    "recipe_documents",
    "recipes",
    "recipe_chunks",
    "recipe_vectors",
    "document_chunks",
    "chunk_vectors",
    "space_backlog",
    CLEARING,
    "document_chunk_buffer",
    "document_vector_buffer",
    "shadow_results",
    "parsed_files",
    "review_decisions",
    "uploads",
    "webhook_events",
    "provider_budgets",
    "run_jobs",
    "ingest_runs",
    "spending_reservations",
    "quality_results",
    "golden_questions",
    "word_languages",
    "unsettled_objects",
    "job_events",
    "service_calls",
    "spending_months",
    "maintenance_runs",
    "maintenance_findings",
    "processes",
    "vector_recall",
    "watch_figures",
    "sources",
    "source_objects",
    "unindexed_chunks",
    "removed_chunks",
    "word_segments",
    "word_postings",
    "report_seals",
    "report_contents",
    "access_log",
    "releases",
    "rollouts",
    "alerts",
    "incidents",
    "machine_answers",
    "alert_deliveries",
    "schema_contractions",
    "space_switches",
    "recipe_switches",
    "shadow_runs",
    "legal_holds",
    "retention_rules",
    "embedding_spaces",
    "installation",
    "state_transitions",
)
"""Every table, and every advisory lock by its number."""

GUARDED = {
    "document_chunks": "documents",
    "chunk_vectors": "documents",
    "space_backlog": "documents",
    "recipe_documents": "documents",
    "recipe_chunks": "documents",
    "recipe_vectors": "documents",
    "document_chunk_buffer": "upload_jobs",
}
"""Tables whose rows are written only while the row that they belong to is locked."""

NEVER_WAITED_FOR = frozenset(
    {
        "job_events",
        "service_calls",
        "access_log",
        "quality_results",
        "unsettled_objects",
        "uploads",
        "maintenance_runs",
        "maintenance_findings",
        "processes",
        "removed_chunks",
        "word_segments",
        "word_postings",
        "space_switches",
        "recipe_switches",
        "machine_answers",
        "review_decisions",
        "spending_reservations",
    }
)
"""Tables whose new rows have a key that nobody else makes: inserting them waits for nothing."""

_DOCUMENTS = sa.text(
    """
    SELECT id FROM documents WHERE id = ANY(CAST(:ids AS uuid[]))
    ORDER BY id FOR NO KEY UPDATE
    """
)
_JOBS = sa.text(
    """
    SELECT FROM upload_jobs
    WHERE id = ANY(CAST(:ids AS uuid[])) OR document_id = ANY(CAST(:documents AS uuid[]))
    ORDER BY id FOR NO KEY UPDATE
    """
)


def advisory(number: int, key: str, *, shared: bool = False) -> str:
    """SQL that takes an advisory lock until the transaction ends.

    Args:
        key: an SQL expression of a text: whose lock it is.
    """
    kind = "_shared" if shared else ""
    return f"pg_advisory_xact_lock{kind}({number}, hashtext({key}))"


async def lock_documents(connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Lock documents, by their ids; those that there are."""
    return set((await connection.execute(_DOCUMENTS, {"ids": list(ids)})).scalars())


async def lock_jobs(
    connection: AsyncConnection, ids: Sequence[UUID] = (), *, documents: Sequence[UUID] = ()
) -> None:
    """Lock jobs, and all jobs of documents, by their ids: all that the transaction will change."""
    await connection.execute(_JOBS, {"ids": list(ids), "documents": list(documents)})
