"""Caps of a month: many requests at once, killed processes, and the month that turns."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

import pytest

from pipeline.errors import SpendingCapReached
from pipeline.identity import EVERYBODY
from pipeline.spending_caps import MonthSpending, SpendingCaps
from pipeline.store import cost_caps, month_spending, service_calls
from pipeline.store.cost_caps import Reservation
from pipeline.store.engine import Database
from pipeline.store.service_calls import ServiceCall
from tests.pipeline.store.making import ANNA, BEN, new_run, table

CAPS = SpendingCaps(month=Decimal("1.00"), user=Decimal("0.60"))
LAST_MONTH = "UPDATE upload_pipeline.{} SET month = (month - interval '1 month')::date"
EXPIRED = "UPDATE upload_pipeline.spending_reservations SET expires_at = now()"


async def reserve(
    database: Database, run: UUID, wanted: Mapping[UUID, Decimal]
) -> Reservation | None:
    """What was reserved, or None where a cap refused it."""
    try:
        async with database.service() as connection:
            return await cost_caps.reserve(connection, run, wanted, CAPS)
    except SpendingCapReached:
        return None


async def settle(
    database: Database, run: UUID, held: Reservation, usd: str, user: UUID = ANNA
) -> None:
    """The answer of a request: its end, and its entry in the ledger."""
    async with database.service() as connection:
        await cost_caps.settle(connection, run, held, Decimal(usd))
        call = ServiceCall(
            "openai", "embed", "ok", 0.1, cost_usd=Decimal(usd), user_id=user, run_id=run
        )
        await service_calls.record(connection, call, month=held.month)


async def standing(database: Database, scope: UUID) -> MonthSpending:
    """How somebody stands to the cap."""
    async with database.service() as connection:
        return await month_spending.standing(connection, scope, CAPS)


async def change(database: Database, *statements: str) -> None:
    """Change what is stored."""
    async with database.owner() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


async def test_requests_at_once_never_pass_a_cap(store: Database) -> None:
    """Of forty for two users, in runs of their own, as many go as fit; some answers cost less."""
    runs = [await new_run(store) for _ in range(2)]
    sums: list[Decimal] = []

    async def request(number: int) -> None:
        user = (ANNA, BEN)[number % 2]
        held = await reserve(store, runs[number % 2], {user: Decimal("0.05")})
        if held is not None and number % 3 == 0:
            await settle(store, runs[number % 2], held, "0.01", user)
        found = await standing(store, EVERYBODY)
        sums.append(found.spent + found.reserved)

    await asyncio.gather(*(request(number) for number in range(40)))
    assert max(sums) <= 1
    for user in (ANNA, BEN):
        while await reserve(store, runs[0], {user: Decimal("0.05")}):
            pass
    left = (await standing(store, EVERYBODY)).left
    assert left is not None
    assert left < Decimal("0.05"), "it was given as far as it goes"
    for user in (ANNA, BEN):
        found = await standing(store, user)
        assert found.spent + found.reserved <= Decimal("0.60")


async def test_a_request_waits_for_the_reservation_before_it(store: Database) -> None:
    """What another transaction has reserved and not yet committed counts."""
    run = await new_run(store)
    async with store.service() as connection:
        await cost_caps.reserve(connection, run, {ANNA: Decimal("0.60")}, CAPS)
        second = asyncio.create_task(reserve(store, run, {ANNA: Decimal("0.60")}))
        await asyncio.wait([second], timeout=0.3)
        assert not second.done()
    assert await second is None


async def test_each_user_of_a_request_has_a_cap_of_its_own(store: Database) -> None:
    """A request for two is refused by the one's cap, and nothing of it stays reserved."""
    run = await new_run(store)
    first = await reserve(store, run, {ANNA: Decimal("0.50")})
    assert first is not None
    assert await reserve(store, run, {ANNA: Decimal("0.20"), BEN: Decimal("0.10")}) is None
    assert await reserve(store, run, {BEN: Decimal("0.50")}) is not None
    assert await reserve(store, run, {BEN: Decimal("0.01")}) is None, "everybody's"
    await settle(store, run, first, "0.20")
    assert await reserve(store, run, {ANNA: Decimal("0.30")}) is not None
    assert (await standing(store, ANNA)).left == Decimal("0.10")


async def test_the_reservation_of_a_killed_process_ends(store: Database) -> None:
    """It counts until it expires; the next reservation removes it."""
    run = await new_run(store)
    assert await reserve(store, run, {ANNA: Decimal("0.60")}) is not None
    assert await reserve(store, run, {ANNA: Decimal("0.60")}) is None
    await change(store, EXPIRED)
    assert (await standing(store, ANNA)).reserved == 0
    assert await reserve(store, run, {ANNA: Decimal("0.60")}) is not None
    assert len(await table(store, "spending_reservations")) == 1


async def test_a_new_month_has_its_whole_cap(store: Database) -> None:
    """What was reserved in the old month is spent in the old one, however late its answer."""
    run = await new_run(store)
    held = await reserve(store, run, {ANNA: Decimal("0.60")})
    assert held is not None
    assert held.held is not None
    await settle(store, run, Reservation(), "0.25", BEN)
    moved = [LAST_MONTH.format(each) for each in ("spending_months", "spending_reservations")]
    await change(store, *moved)
    assert (await standing(store, ANNA)).left == Decimal("0.60")
    last = next(row["month"] for row in await table(store, "spending_months"))
    late = Reservation(held.run_usd, month_spending.MonthReservation(held.held.id, last))
    await settle(store, run, late, "0.55")
    assert (await standing(store, ANNA)).spent == 0
    rows = {
        (row["user_id"], row["month"]): row["spent_usd"]
        for row in await table(store, "spending_months")
    }
    assert rows == {
        (ANNA, last): Decimal("0.55"),
        (BEN, last): Decimal("0.25"),
        (EVERYBODY, last): Decimal("0.80"),
    }
    assert not await table(store, "spending_reservations")


@pytest.mark.parametrize(
    ("caps", "said"),
    [
        (
            SpendingCaps(month=Decimal("0.5")),
            "everybody together, 0.5 US .*NAVIGATOR_MONTH_CAP_USD",
        ),
        (SpendingCaps(user=Decimal(0)), "this user, 0 US .*NAVIGATOR_USER_MONTH_CAP_USD"),
    ],
)
async def test_a_refusal_says_whose_cap_and_how_to_go_on(
    store: Database, caps: SpendingCaps, said: str
) -> None:
    """What is free is never refused; without caps nothing is reserved."""
    async with store.service() as connection:
        free = {ANNA: Decimal(0)}
        assert await month_spending.reserve(connection, free, caps) is None
        assert await month_spending.reserve(connection, {ANNA: Decimal(9)}, SpendingCaps()) is None
    with pytest.raises(SpendingCapReached, match=said):
        async with store.service() as connection:
            await month_spending.reserve(connection, {ANNA: Decimal(9)}, caps)
