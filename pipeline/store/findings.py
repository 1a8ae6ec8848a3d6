"""Stores the findings of maintenance for thirty days, for the operators' pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.finding_kinds import Kind
from pipeline.findings import Finding, Tally
from pipeline.store.engine import rows

KEPT_DAYS = 30


@dataclass(frozen=True, slots=True)
class MaintenanceRun:
    """One look at everything.

    Attributes:
        fix: what is safe was mended. unlooked: checks that could not be made, and why.
        findings: the first of each kind; the tallies count all of them.
    """

    id: UUID
    started_at: datetime
    finished_at: datetime
    fix: bool
    tallies: dict[Kind, Tally]
    unlooked: dict[str, str]
    findings: list[Finding]

    @property
    def person(self) -> int:
        """Findings that wait for a person."""
        return sum(tally.person for tally in self.tallies.values())


_RECORD = sa.text(
    """
    INSERT INTO maintenance_runs (id, started_at, finished_at, fix, tallies, unlooked)
    VALUES (:id, :started_at, clock_timestamp(), :fix, CAST(:tallies AS jsonb),
            CAST(:unlooked AS jsonb))
    """
)
_FINDINGS = sa.text(
    """
    INSERT INTO maintenance_findings
        (run_id, kind, subject, number, detail, mended, person)
    SELECT :id, f.* FROM jsonb_to_recordset(CAST(:findings AS jsonb))
        AS f(kind text, subject text, number int, detail text, mended boolean, person boolean)
    """
)
# An interrupted run that begins again has the same id.
_FORGET = sa.text(
    f"""
    WITH old AS (
        SELECT id FROM maintenance_runs
        WHERE id = :id OR finished_at < now() - make_interval(days => {KEPT_DAYS})
        ORDER BY id FOR UPDATE
    )
    DELETE FROM maintenance_runs AS r USING old AS o WHERE r.id = o.id
    """
)


async def record(
    connection: AsyncConnection,
    run_id: UUID,
    started_at: datetime,
    *,
    fix: bool,
    tallies: Mapping[Kind, Tally],
    unlooked: Mapping[str, str],
    findings: Sequence[Finding],
) -> None:
    """Keep what was found, and forget what was found long ago."""
    await connection.execute(_FORGET, {"id": run_id})
    counted = [{"kind": kind.value, **asdict(tally)} for kind, tally in tallies.items()]
    await connection.execute(
        _RECORD,
        {
            "id": run_id,
            "started_at": started_at,
            "fix": fix,
            "tallies": json.dumps(counted),
            "unlooked": json.dumps(dict(unlooked)),
        },
    )
    found = json.dumps([asdict(finding) for finding in findings])
    await connection.execute(_FINDINGS, {"id": run_id, "findings": found})


_LATEST = sa.text(
    """
    SELECT id, started_at, finished_at, fix, tallies, unlooked
    FROM maintenance_runs ORDER BY finished_at DESC LIMIT 1
    """
)
_OF_RUN = sa.text(
    """
    SELECT kind, subject, number, detail, mended, person
    FROM maintenance_findings WHERE run_id = :id ORDER BY id
    """
)
_KNOWN = frozenset(Kind)


async def latest(connection: AsyncConnection) -> MaintenanceRun | None:
    """The last look; None when there was none within thirty days.

    Kinds that this version does not know, of a later one, are left out.
    """
    found = await rows(connection, _LATEST)
    if not found:
        return None
    values = dict(found[0])
    kept = await rows(connection, _OF_RUN, {"id": values["id"]})
    values["tallies"] = {
        Kind(each["kind"]): Tally(each["found"], each["mended"], each["person"])
        for each in values["tallies"]
        if each["kind"] in _KNOWN
    }
    values["findings"] = [
        Finding(**{**row, "kind": Kind(row["kind"])}) for row in kept if row["kind"] in _KNOWN
    ]
    return MaintenanceRun(**values)
