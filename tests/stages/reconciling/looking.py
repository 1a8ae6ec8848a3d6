"""Looking for damage in a test's own services, and doing the damage."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.finding_kinds import Kind
from pipeline.findings import Tally
from stages.reconciling.checks import CHECKS
from stages.reconciling.inspection import Inspection, Outcome, reconcile
from stages.services import Services
from tests.flows.corpus import query
from tests.ingesting import work_off

ONE = Tally(1)
MENDED = Tally(1, mended=1)
FOR_A_PERSON = Tally(1, person=1)


async def look(
    services: Services,
    *,
    fix: bool = False,
    also: Collection[Kind] = (),
    by_person: bool = False,
) -> Outcome:
    """Everything that is wrong."""
    outcome = await reconcile(Inspection(services, fix, frozenset(also), by_person), CHECKS)
    assert outcome.unlooked == {}
    return outcome


async def tallies(services: Services, **how: Any) -> dict[Kind, Tally]:
    """How much of each kind is wrong."""
    return (await look(services, **how)).tallies


async def assert_mended(services: Services, kind: Kind, expected: Tally = ONE) -> None:
    """The one kind of damage is found dry, mended with `fix`, and found no more."""
    assert await tallies(services) == {kind: expected}
    assert await tallies(services) == {kind: expected}, "a dry look changed something"
    assert await tallies(services, fix=True) == {kind: MENDED}
    assert await tallies(services) == {}


async def damage(services: Services, statement: str, **values: Any) -> None:
    """Change what no role of the pipeline may: past row-level security and foreign keys."""
    async with services.database.owner() as connection:
        await connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        done = await connection.execute(sa.text(statement), values)
        assert done.rowcount > 0, "nothing was damaged"


def objects(services: Services) -> Path:
    """The folder of the storage."""
    return Path(services.settings.home) / "objects"


async def sweep(services: Services) -> None:
    """Take up what waits, as a sweep does."""
    found = await query(
        services, "SELECT id, run_id FROM upload_pipeline.upload_jobs WHERE state = 'uploaded'"
    )
    await work_off(services, [row["id"] for row in found], found[0]["run_id"])
