"""Routes of sources: what is read on a schedule, and what came of it, for operators."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from app.api.authorization import operators_only
from app.api.dependencies import Parts
from app.api.problems import responses
from pipeline.source_definition import SourceDefinition
from pipeline.store import sources

router = APIRouter(tags=["sources"])


class SourceOut(BaseModel):
    """A source that an operator added; nothing of it is a secret."""

    name: str
    url: str
    schedule: str = Field(description="When it is read, in words.")
    paused: bool
    last_run_id: UUID | None
    last_run_at: datetime | None = Field(description="When its last run ended.")
    counts: dict[str, int] = Field(description="Objects of the last run, by what became of them.")
    trouble: str | None = Field(description="Why the last run failed.")


class SourcesOut(BaseModel):
    """Every source, by name."""

    items: list[SourceOut]


@router.get(
    "/sources",
    responses=responses(401, 403, 429, 503),
    dependencies=[Depends(operators_only("Sources are for operators."))],
)
async def get_sources(parts: Parts) -> SourcesOut:
    """Say which sources are read, and what came of their last runs. Operators only."""
    async with parts.database.service() as connection:
        added = await sources.all_sources(connection)
    return SourcesOut(items=[_out(each) for each in added])


def _out(source: SourceDefinition) -> SourceOut:
    last = source.last
    return SourceOut(
        name=source.name,
        url=source.url,
        schedule=source.schedule,
        paused=source.paused_at is not None,
        last_run_id=last and last.run_id,
        last_run_at=last and last.at,
        counts=last.counts if last else {},
        trouble=last and last.trouble,
    )
