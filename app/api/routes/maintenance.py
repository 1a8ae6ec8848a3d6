"""Routes of maintenance: the findings of the last run, for operators."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from app.api.authorization import operators_only
from app.api.dependencies import Parts
from app.api.problems import responses
from pipeline.finding_kinds import FACTS, Kind
from pipeline.findings import Finding, Tally
from pipeline.store import findings
from pipeline.store.findings import MaintenanceRun
from stages.reconciling.summary import in_short

router = APIRouter(tags=["maintenance"])


class FindingOut(BaseModel):
    """One thing that is, or was, wrong. It names ids only."""

    subject: str = Field(description="Whose ids it is about.")
    number: int = Field(description="Of things in it, such as chunks or documents.")
    detail: str
    mended: bool
    decision: str = Field(description="What a person is to do; empty when nobody has to.")


class KindOut(BaseModel):
    """Everything of one kind."""

    kind: Kind
    title: str
    why: str = Field(description="Why it matters.")
    found: int
    mended: int
    person: int = Field(description="Left to a person.")
    what_was_mended: str
    decision: str = Field(description="What a person is to do, where any is left to one.")
    findings: list[FindingOut] = Field(description="The first hundred.")


class MaintenanceOut(BaseModel):
    """What the last look found."""

    run_id: UUID | None = Field(description="Null when nothing was looked at in thirty days.")
    started_at: datetime | None
    finished_at: datetime | None
    fix: bool = Field(description="What is safe was mended; else it only looked.")
    summary: str
    kinds: list[KindOut]
    not_looked_at: dict[str, str] = Field(description="Checks that could not be made, and why.")


_NEVER = MaintenanceOut(
    run_id=None,
    started_at=None,
    finished_at=None,
    fix=False,
    summary="Nothing was looked at yet: the deployment maintain does so every hour.",
    kinds=[],
    not_looked_at={},
)


@router.get(
    "/maintenance",
    responses=responses(401, 403, 429, 503),
    dependencies=[Depends(operators_only("What maintenance finds is for operators."))],
)
async def get_maintenance(parts: Parts) -> MaintenanceOut:
    """Say what maintenance found and mended, and what a person must decide. Operators only."""
    async with parts.database.service() as connection:
        run = await findings.latest(connection)
    return _NEVER if run is None else _told(run)


def _told(run: MaintenanceRun) -> MaintenanceOut:
    return MaintenanceOut(
        run_id=run.id,
        started_at=run.started_at,
        finished_at=run.finished_at,
        fix=run.fix,
        summary=in_short(run),
        kinds=[
            _kind(kind, tally, [each for each in run.findings if each.kind is kind])
            for kind, tally in run.tallies.items()
        ],
        not_looked_at=run.unlooked,
    )


def _kind(kind: Kind, tally: Tally, found: list[Finding]) -> KindOut:
    facts = FACTS[kind]
    return KindOut(
        kind=kind,
        title=facts.title,
        why=facts.why,
        found=tally.found,
        mended=tally.mended,
        person=tally.person,
        what_was_mended=facts.mended if tally.mended else "",
        decision=facts.remedy if tally.person else "",
        findings=[
            FindingOut(
                subject=each.subject,
                number=each.number,
                detail=each.detail,
                mended=each.mended,
                decision=each.decision,
            )
            for each in found
        ],
    )
