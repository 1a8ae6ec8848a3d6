"""Summarizes the last maintenance run in one line for `status` and `doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


async def last_look(connection: AsyncConnection) -> tuple[str, int]:
    """The line, and how many findings wait for a person."""
    from pipeline.store import findings
    from stages.reconciling.summary import in_short

    run = await findings.latest(connection)
    if run is None:
        return "not looked at yet; `navigator reconcile` does", 0
    return f"{in_short(run)} Looked at {run.finished_at.astimezone():%Y-%m-%d %H:%M}.", run.person
