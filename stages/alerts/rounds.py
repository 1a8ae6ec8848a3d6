"""Makes the rounds that deliver alerts, in every API and worker process, beside its work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from pipeline.errors import NavigatorError
from pipeline.logs import logger
from stages.alerts.conditions import look_at_conditions
from stages.alerts.delivering import deliver_due
from stages.alerts.raising import AlertParts

ROUND_SECONDS = 5.0
LOOK_SECONDS = 30.0
_LOG = logger("navigator.alerts")


@asynccontextmanager
async def delivering_alerts(
    parts: AlertParts,
    *,
    round_seconds: float = ROUND_SECONDS,
    look_seconds: float = LOOK_SECONDS,
    before: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[None]:
    """Deliver what is due for the time of the block, escalations too; a fault of it stops nothing.

    Args:
        look_seconds: How often conditions are looked at.
        before: What is done before each look.
    """
    rounds = asyncio.create_task(_make_rounds(parts, round_seconds, look_seconds, before))
    try:
        yield
    finally:
        rounds.cancel()
        with suppress(asyncio.CancelledError):
            await rounds


async def _make_rounds(
    parts: AlertParts,
    round_seconds: float,
    look_seconds: float,
    before: Callable[[], Awaitable[None]] | None,
) -> None:
    looked = time.monotonic()  # not at once: a process that starts has other things to do
    while True:
        await asyncio.sleep(round_seconds)
        try:
            if time.monotonic() - looked >= look_seconds:
                looked = time.monotonic()
                if before is not None:
                    await before()
                await look_at_conditions(parts)
            await deliver_due(parts)
        except NavigatorError as error:  # the database is away; others say so
            _LOG.info("alerts_wait", code=error.code)
        except Exception as error:  # whatever it is, the next round may do better
            _LOG.warning("alerts_failed", error=type(error).__name__)
