"""Sums of what each user spends in a calendar month (UTC), and the reservations under its caps.

Every entry of the ledger of calls is added in its own transaction. A request is reserved before it
is sent, while the rows of the month that have a cap are locked in the order of their keys, so that
of many processes none passes a cap. A reservation ends with its request; that of a process which
was killed counts until it expires.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.identity import EVERYBODY
from pipeline.spending_caps import MonthSpending, SpendingCaps, cap_error

RESERVED_SECONDS = 3600.0
"""So long a reservation counts whose end is not heard of: longer than a request takes."""

_THIS_MONTH = "date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date"

# A month that turns in between changes nothing: what is reserved in one is counted in that one.
_ADD = sa.text(
    f"""
    INSERT INTO spending_months AS m (month, user_id, spent_usd)
    SELECT coalesce(CAST(:month AS date), {_THIS_MONTH}), s.user_id, s.usd
    FROM unnest(CAST(:users AS uuid[]), CAST(:usd AS numeric[])) AS s(user_id, usd)
    ORDER BY s.user_id
    ON CONFLICT (month, user_id) DO UPDATE SET spent_usd = m.spent_usd + EXCLUDED.spent_usd
    """
)
_MONTH = sa.text(f"SELECT {_THIS_MONTH}")
_LOCK = sa.text(
    """
    INSERT INTO spending_months AS m (month, user_id)
    SELECT CAST(:month AS date), s.user_id FROM unnest(CAST(:scopes AS uuid[])) AS s(user_id)
    ORDER BY s.user_id
    ON CONFLICT (month, user_id) DO UPDATE SET spent_usd = m.spent_usd
    """
)
_STANDING = sa.text(
    """
    SELECT s.user_id, coalesce(m.spent_usd, 0) AS spent, r.usd AS reserved
    FROM unnest(CAST(:scopes AS uuid[])) AS s(user_id)
    LEFT JOIN spending_months AS m ON m.user_id = s.user_id AND m.month = CAST(:month AS date)
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(usd), 0) AS usd FROM spending_reservations
        WHERE month = CAST(:month AS date) AND expires_at > clock_timestamp()
          AND (user_id = s.user_id OR s.user_id = CAST(:everybody AS uuid))
    ) AS r
    ORDER BY s.user_id
    """
)
_INSERT = sa.text(
    """
    INSERT INTO spending_reservations (id, user_id, month, usd, expires_at)
    SELECT :id, s.user_id, CAST(:month AS date), s.usd,
           clock_timestamp() + make_interval(secs => :seconds)
    FROM unnest(CAST(:users AS uuid[]), CAST(:usd AS numeric[])) AS s(user_id, usd)
    """
)
_RELEASE = sa.text(
    """
    WITH own AS (
        SELECT id, user_id FROM spending_reservations
        WHERE id = :id ORDER BY id, user_id FOR UPDATE
    )
    DELETE FROM spending_reservations AS r USING own AS o
    WHERE r.id = o.id AND r.user_id = o.user_id
    """
)
# What somebody else removes already is left to them.
_EXPIRE = sa.text(
    """
    WITH old AS (
        SELECT id, user_id FROM spending_reservations WHERE expires_at < clock_timestamp()
        ORDER BY id, user_id FOR UPDATE SKIP LOCKED
    )
    DELETE FROM spending_reservations AS r USING old AS o
    WHERE r.id = o.id AND r.user_id = o.user_id
    """
)


@dataclass(frozen=True, slots=True)
class MonthReservation:
    """A reservation under a month's caps, and the month that pays, by its first day."""

    id: UUID
    month: date


async def add(
    connection: AsyncConnection,
    usd: Decimal,
    shares: Mapping[UUID, Decimal],
    month: date | None = None,
) -> None:
    """Add a call to a month's sums: the whole to everybody's, the shares to the users'.

    Args:
        month: in which it was reserved; None: this one.
    """
    values = _columns({EVERYBODY: usd, **shares})
    await connection.execute(_ADD, {"month": month, **values})


async def reserve(
    connection: AsyncConnection,
    wanted: Mapping[UUID, Decimal],
    caps: SpendingCaps,
    seconds: float = RESERVED_SECONDS,
) -> MonthReservation | None:
    """Reserve a request before it is sent; None where no cap is about it.

    Args:
        wanted: US dollars that it may cost at most, by user.
        seconds: how long it counts when its end is not heard of.

    Raises:
        SpendingCapReached: it would pass a month's cap; the transaction has to be rolled back.
    """
    limits = _limits(wanted, caps)
    whole = sum(wanted.values(), Decimal(0))
    if not limits or not whole:
        return None
    await connection.execute(_EXPIRE)
    month: date = (await connection.execute(_MONTH)).scalar_one()
    values = {"scopes": sorted(limits), "month": month}
    await connection.execute(_LOCK, values)
    # A statement of its own: it sees what was committed while the lock was waited for.
    for scope, spent, reserved in await _standing(connection, values):
        asked = whole if scope == EVERYBODY else wanted[scope]
        if asked and spent + reserved + asked > limits[scope]:
            raise cap_error(scope, limits[scope])
    made = MonthReservation(uuid4(), month)
    row = {"id": made.id, "month": month, "seconds": seconds, **_columns(wanted)}
    await connection.execute(_INSERT, row)
    return made


async def release(connection: AsyncConnection, reservation: MonthReservation) -> None:
    """End a reservation: what its request cost is in the ledger, or it was not sent."""
    await connection.execute(_RELEASE, {"id": reservation.id})


async def standing(connection: AsyncConnection, scope: UUID, caps: SpendingCaps) -> MonthSpending:
    """How a user, or everybody, stands to the cap of this month."""
    month = (await connection.execute(_MONTH)).scalar_one()
    [(_, spent, reserved)] = await _standing(connection, {"scopes": [scope], "month": month})
    return MonthSpending(caps.of(scope), spent, reserved)


async def _standing(
    connection: AsyncConnection, values: Mapping[str, object]
) -> list[tuple[UUID, Decimal, Decimal]]:
    found = await connection.execute(_STANDING, {**values, "everybody": EVERYBODY})
    return [(row.user_id, row.spent, row.reserved) for row in found]


def _limits(wanted: Mapping[UUID, Decimal], caps: SpendingCaps) -> dict[UUID, Decimal]:
    found = {scope: caps.of(scope) for scope in {EVERYBODY, *wanted}}
    return {scope: cap for scope, cap in found.items() if cap is not None}


def _columns(amounts: Mapping[UUID, Decimal]) -> dict[str, list[object]]:
    return {"users": list(amounts), "usd": list(amounts.values())}
