"""What was spent adds up, by whatever it is asked, and a reader sees only the own part."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from pipeline.store.engine import Database
from pipeline.store.service_calls import ServiceCall, record
from pipeline.store.spending import By, spending, total
from tests.pipeline.store.making import ANNA, BEN, open_space, register, source


def today() -> date:
    return datetime.now(UTC).date()


@pytest.fixture
async def spent(store: Database) -> Database:
    """Anna's document cost three cents and Ben's one, in two calls and one for both."""
    await open_space(store)
    for user, cost in ((ANNA, "0.03"), (BEN, "0.01")):
        await register(store, [source("a.pdf", str(user))], user)
        async with store.service() as connection:
            await connection.execute(
                sa.text(
                    "UPDATE upload_jobs SET cost_usd = :cost, billed_tokens = 10, pages = 2 "
                    "WHERE user_id = :user"
                ),
                {"cost": Decimal(cost), "user": user},
            )
    calls = ((ANNA, "0.02"), (BEN, "0.005"), (None, "0.015"))
    for owner, usd in calls:
        async with store.service() as connection:
            await record(
                connection,
                ServiceCall("openai/x", "embed", "ok", 0.1, tokens=5, cost_usd=Decimal(usd),
                            user_id=owner),
            )  # fmt: skip
    return store


@pytest.mark.parametrize("by", [By.DAY, By.SERVICE, By.USER, By.SOURCE, By.DOCUMENT])
async def test_every_sum_is_the_same(spent: Database, by: By) -> None:
    """Four cents, by day, service, user, source or document."""
    async with spent.service() as connection:
        rows = await spending(connection, by, today(), today() + timedelta(days=1))
        whole = await total(connection, today(), today() + timedelta(days=1))
    assert sum(each.cost_usd for each in rows) == whole == Decimal("0.04")


@pytest.mark.parametrize("by", list(By))
async def test_a_reader_sees_the_own_part(spent: Database, by: By) -> None:
    """Ben's share, of the jobs; of the calls those that were his alone."""
    async with spent.reader(BEN) as connection:
        rows = await spending(connection, by, today(), today() + timedelta(days=1))
    shares = {By.DAY: "0.005", By.SERVICE: "0.005", By.RUN: "0"}
    assert sum((each.cost_usd for each in rows), Decimal(0)) == Decimal(shares.get(by, "0.01"))


async def test_other_days_are_left_out(spent: Database) -> None:
    """Of yesterday there is nothing."""
    async with spent.service() as connection:
        assert await spending(connection, By.DAY, today() - timedelta(days=1), today()) == []
