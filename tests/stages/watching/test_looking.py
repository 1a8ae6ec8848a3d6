"""A look over a real database: what it reads off, keeps, and makes of the ledgers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from pipeline.foresight.capacity import Forecast
from pipeline.foresight.measures import AlertKind, Measure
from pipeline.foresight.outlook import Outlook
from pipeline.store import watch_figures
from pipeline.store.alerts import open_alerts
from stages.services import Services
from stages.watching.handing_over import hand_over
from stages.watching.looking import judge, look
from stages.watching.presenting import as_markdown, in_short, outlook_json
from tests.flows.corpus import Opener

_CALLS = sa.text(
    """
    INSERT INTO service_calls (at, service, operation, outcome, seconds, tokens, cost_usd)
    SELECT date_trunc('hour', now()) - h * interval '1 hour' + c * interval '1 minute',
           'openai/tiny', 'embed',
           CASE WHEN h <= :failing AND c % 2 = 0 THEN 'timeout' ELSE 'ok' END,
           CASE WHEN h <= :slow THEN 6.0 ELSE 1.0 END + (h * 7 + c * 3) % 10 * 0.01, 100, 0.001
    FROM generate_series(1, 24 * 15) AS h, generate_series(1, 20) AS c
    """
)
_ROOM = sa.text(
    """
    INSERT INTO watch_figures (measure, subject, at, number, total, latest, least, most)
    SELECT 'disk_free', '/data', date_trunc('hour', now()) - h * interval '1 hour', 1, v, v, v, v
    FROM (SELECT h, 5e9 + h * 1e9 / 24 AS v FROM generate_series(1, 24 * 15) AS h) AS seen
    """
)


@pytest.fixture
async def services(local: Opener) -> AsyncIterator[Services]:
    """Services over an empty database, with a month's budget that is never reached."""
    async with local(month_budget_usd=1e6) as parts:
        yield parts


async def write(services: Services, statement: sa.TextClause, **values: object) -> None:
    async with services.database.service() as connection:
        await connection.execute(statement, values)


def kinds(found: Outlook) -> dict[str, str]:
    return {str(each.kind): each.key for each in found.alerts}


async def test_a_look_keeps_what_no_ledger_knows(services: Services) -> None:
    """Queue, workers, room and sizes of this moment, in this hour's row, and twice is one row."""
    await look(services)
    found = await look(services)
    assert found.read_off[Measure.QUEUE_AGE, "all"] == 0
    assert found.read_off[Measure.DATABASE_SIZE, "all"] > 1e6
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    async with services.database.service() as connection:
        kept = await watch_figures.kept(
            connection, hour - timedelta(hours=1), hour + timedelta(hours=1)
        )
    assert {each.measure for each in kept} >= {
        "queue_age", "waiting", "workers", "database_size", "stored_size", "disk_free",
    }  # fmt: skip
    assert len({(each.measure, each.subject) for each in kept}) == len(kept)
    assert found.alerts == []
    assert in_short(found).startswith("Nothing is unusual in")


async def test_ledgers_become_findings_with_their_cause(services: Services) -> None:
    """A provider that is slow and fails since some hours is told once for each, and as a cause."""
    await write(services, _CALLS, failing=6, slow=6)
    await write(services, _ROOM)
    found = await judge(services)
    told = {str(each.kind): each for each in found.alerts}
    assert set(told) == {AlertKind.LATENCY, AlertKind.FAILURES, AlertKind.DISK}
    assert told[AlertKind.FAILURES].evidence["now"] == pytest.approx(0.5)
    assert told[AlertKind.FAILURES].cause == "The provider: openai/tiny is slow and fails."
    assert told[AlertKind.DISK].title.startswith("At this rate the disk of /data is full in 5 days")
    assert [each.full_at is not None for each in found.forecasts if isinstance(each, Forecast)]
    for _ in range(2):
        await hand_over(services, found.alerts)
        async with services.database.service() as connection:
            kept = await open_alerts(connection, 10)
        assert {(each.kind, each.key) for each in kept} == {
            (str(each.kind), each.key) for each in found.alerts
        }
    await hand_over(services, [])
    async with services.database.service() as connection:
        assert await open_alerts(connection, 10) == []
    shown, page = outlook_json(found), as_markdown(found)
    assert {each["runbook"] for each in shown["alerts"]} == {
        f"docs/runbook.md#{kind}" for kind in told
    }
    assert "| The provider: openai/tiny is slow and fails. |" in page


async def test_quiet_ledgers_are_told_to_nobody(services: Services) -> None:
    """The same ledger without an incident."""
    await write(services, _CALLS, failing=0, slow=0)
    found = await judge(services)
    assert found.alerts == []
    service = next(each for each in found.series if each.measure is Measure.SERVICE_TIME)
    assert np.nanmedian(service.values) == pytest.approx(1.05, abs=0.05)
    assert found.month.by_its_end is not None


async def test_the_month_is_held_against_the_budget(local: Opener) -> None:
    """With a budget that the forecast passes, that is told."""
    async with local(month_budget_usd=0.01) as services:
        await write(services, _CALLS, failing=0, slow=0)
        assert kinds(await judge(services)) == {AlertKind.SPEND: "month"}
