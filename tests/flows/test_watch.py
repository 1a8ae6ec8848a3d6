"""The flow `watch`: what is unusual is shown; what is not leaves one run at most."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pipeline.store.engine import Database
from tests.flows.working import Account, Worker

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(400)]

_FILLS = sa.text(
    """
    INSERT INTO watch_figures (measure, subject, at, number, total, latest, least, most)
    SELECT 'disk_free', '/data', date_trunc('hour', now()) - h * interval '1 hour', 1, v, v, v, v
    FROM (SELECT h, 1e9 + h * 1e9 / 24 AS v FROM generate_series(1, 24 * 15) AS h) AS seen
    """
)


async def test_quiet_runs_leave_one_and_a_finding_is_shown(
    worker: Worker, account: Account, module_database_url: str
) -> None:
    """Two looks that find nothing leave the newest; a disk that fills is an artifact."""
    for _ in range(2):
        assert worker.run("watch", {})["name"] == "All well"
    quiet = [each for each in account.all("flow_runs") if each["state_name"] == "All well"]
    assert len(quiet) == 1
    database = Database(module_database_url)
    async with database.service() as connection:
        await connection.execute(_FILLS)
    await database.close()
    looked = worker.run("watch", {})
    assert looked["name"] == "Unusual"
    assert looked["message"].startswith("At this rate the disk of /data is full in")
    [artifact] = [each for each in account.all("artifacts") if each["key"] == "watch"]
    assert "docs/runbook.md, disk-fills" in artifact["data"]
