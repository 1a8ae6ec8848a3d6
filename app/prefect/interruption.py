"""Interrupts a flow in this process when Prefect's server cancels it or goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.prefect.watch import Interruption, PrefectWatch, call_cancelled
from pipeline.errors import NavigatorError, RunStopped, ServiceUnavailable, TransientError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from pipeline.store.database_urls import Addresses

GIVE_BACK_SECONDS = 15.0
"""What a run that is interrupted gets for giving back its documents."""

PREFECT_GONE = "prefect_gone"
_RECORD = "the run's record there is incomplete. The figures here are complete."
_AWAY = f"Prefect's server was away for a while in mid-run and has come back; {_RECORD}"
_GONE = f"Prefect's server went away in mid-run and did not come back; {_RECORD}"


class Interruptible:
    """One run of a flow.

    Args:
        start: calls the flow.
        run_id: the run's id in our database, which knows its flow run.
        patience_seconds: how long Prefect's server may be silent.
        say: tells whoever has started the run what is worth knowing.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[State[Any]]],
        run_id: UUID,
        addresses: Addresses,
        patience_seconds: float,
        say: Callable[[str, str], None],
    ) -> None:
        self._start, self._say = start, say
        self._watch = PrefectWatch(partial(_flow_run, run_id, addresses), patience_seconds)
        self._running: asyncio.Future[State[Any]] | None = None

    @property
    def is_over(self) -> bool:
        """False when the flow still waits for a server that has gone; it has nothing to do."""
        return self._running is None or self._running.done()

    async def run(self) -> State[Any] | NavigatorError:
        """Run it; its last state, or why it has none."""
        self._running = asyncio.ensure_future(self._start())
        looking = asyncio.create_task(self._watch.until_interrupted())
        try:
            await asyncio.wait([self._running, looking], return_when=asyncio.FIRST_COMPLETED)
            if self._running.done():
                return self._ended(self._running)
            return await self._interrupt(looking.result())
        except asyncio.CancelledError:  # Ctrl-C
            await self._give_back()
            raise
        finally:
            looking.cancel()

    def _ended(self, running: asyncio.Future[State[Any]]) -> State[Any] | NavigatorError:
        from flows.prefect_errors import prefect_trouble

        if (error := running.exception()) and (trouble := prefect_trouble(error)):
            return ServiceUnavailable(trouble.message, code=PREFECT_GONE, remedy=trouble.remedy)
        if self._watch.was_away:
            self._say(_AWAY, "yellow")
        return running.result()

    async def _interrupt(self, why: Interruption) -> NavigatorError:
        await self._give_back()
        if why is Interruption.CANCELLED and self._watch.flow_run_id is not None:
            await call_cancelled(self._watch.flow_run_id)
            return RunStopped("A person cancelled the run.", code="stopped_by_person")
        return ServiceUnavailable(_GONE, code=PREFECT_GONE)

    async def _give_back(self) -> None:
        """Cancel the flow: it gives back at once, and then may wait long for Prefect."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running], timeout=GIVE_BACK_SECONDS)


async def _flow_run(run_id: UUID, addresses: Addresses) -> UUID | None:
    from pipeline.store import runs
    from pipeline.store.engine import Database

    database = Database.at(addresses, pool_size=1)
    try:
        async with database.service() as connection:
            return await runs.flow_run_of(connection, run_id)
    except TransientError:
        return None
    finally:
        await database.close()
