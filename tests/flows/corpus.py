"""Documents to ingest, and what an ingest left in the database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pipeline.store import runs
from pipeline.store.engine import rows
from pipeline.store.runs import RunDocument
from stages.services import Services

Opener = Callable[..., AbstractAsyncContextManager[Services]]


def policy(folder: Path, name: str, sections: int = 3, extra: str = "") -> Path:
    """A Markdown document of which every section is one chunk or more of its own."""
    parts = [f"# Policy {name}"]
    for number in range(1, sections + 1):
        sentence = f"Policy {name} pays {number}00 dollars for a loss of kind {number}. "
        parts += [f"## Section {number} of {name}", sentence * 3]
    path = folder / f"{name}.md"
    path.write_text("\n\n".join([*parts, extra]).strip() + "\n")
    return path


async def query(services: Services, statement: str, **values: Any) -> list[sa.RowMapping]:
    """Rows of a statement, in the service's role."""
    async with services.database.service() as connection:
        return await rows(connection, sa.text(statement), values)


async def change(services: Services, statement: str, **values: Any) -> None:
    """Change what the database holds, as time or a fault would: not in the pipeline's order."""
    async with services.database.login() as connection:
        await connection.execute(sa.text(statement), values)


async def documents(services: Services, run_id: UUID) -> dict[str, RunDocument]:
    """How each document of a run ended, by its file's name."""
    async with services.database.service() as connection:
        return {each.name: each for each in await runs.run_documents(connection, run_id)}


async def states(services: Services) -> dict[str, str]:
    """The state of every document's newest job, by its file's name."""
    found = await query(
        services,
        """
        SELECT d.name, j.state FROM upload_pipeline.documents AS d
        JOIN upload_pipeline.upload_jobs AS j ON j.id = d.latest_job_id
        """,
    )
    return {row["name"]: row["state"] for row in found}


async def corpus(services: Services) -> list[tuple[Any, ...]]:
    """What readers see: every chunk with its place, its content and its vector."""
    found = await query(
        services,
        """
        SELECT d.name, c.ordinal, c.sha256, c.start_offset, md5(v.embedding::text)
        FROM upload_pipeline.document_chunks AS c
        JOIN upload_pipeline.documents AS d ON d.id = c.document_id
        LEFT JOIN upload_pipeline.chunk_vectors AS v ON v.chunk_id = c.id
        ORDER BY 1, 2
        """,
    )
    return [tuple(row.values()) for row in found]


async def buffered(services: Services) -> int:
    """Rows left in the buffers."""
    found = await query(
        services,
        """
        SELECT (SELECT count(*) FROM upload_pipeline.document_chunk_buffer)
             + (SELECT count(*) FROM upload_pipeline.document_vector_buffer) AS left_over
        """,
    )
    return int(found[0]["left_over"])
