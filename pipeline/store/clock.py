"""Reads the database's clock, the only one that times in the database are compared with.

Each of our processes has a clock of its own, and one of them may be wrong by a day.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

_NOW = sa.text("SELECT clock_timestamp()")


async def database_time(connection: AsyncConnection) -> datetime:
    """The time now, also in a transaction that has been open for long."""
    now: datetime = (await connection.execute(_NOW)).scalar_one()
    return now
