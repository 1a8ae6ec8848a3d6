"""Runs every maintenance check, and keeps what came of it in the database."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from pipeline.finding_kinds import Kind
from pipeline.store import findings
from pipeline.store.clock import database_time
from pipeline.store.findings import MaintenanceRun
from stages.reconciling.inspection import Check, Inspection, Outcome, reconcile
from stages.reconciling.new_findings import news_for_a_person


@dataclass(frozen=True, slots=True)
class MaintenanceOutcome:
    """What came of a maintenance run.

    Attributes:
        run: as it is kept. left: findings that were not mended and do not end by themselves.
        fresh: by kind, findings that wait for a person and did not before.
    """

    run: MaintenanceRun
    left: int
    fresh: dict[Kind, int]


async def run_maintenance(
    look: Inspection, checks: dict[str, Check], run_id: UUID | None = None
) -> MaintenanceOutcome:
    """Run every check and store what came of it."""
    database, run = look.services.database, run_id or uuid4()
    async with database.service() as connection:
        before = await findings.latest(connection)
        started = await database_time(connection)
    outcome: Outcome = await reconcile(look, checks)
    async with database.service() as connection:
        await findings.record(
            connection,
            run,
            started,
            fix=look.fix,
            tallies=outcome.tallies,
            unlooked=outcome.unlooked,
            findings=outcome.findings,
        )
        kept = await findings.latest(connection)
    assert kept is not None
    return MaintenanceOutcome(kept, outcome.left, news_for_a_person(outcome, before))
