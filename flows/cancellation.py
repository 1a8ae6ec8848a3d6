"""Finds out whether a person cancelled a run, which only Prefect's server knows."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.runtime import flow_run
from prefect.states import Cancelling

_PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 2.0
_BY_PERSON = (StateType.CANCELLING, StateType.CANCELLED)


async def was_cancelled(flow_run_id: UUID | None = None) -> bool:
    """Whether somebody cancelled a flow run; False when the server cannot say.

    Args:
        flow_run_id: which; the one that is running here when it is left out.
    """
    asked = flow_run_id or (UUID(flow_run.id) if flow_run.id else None)
    if asked is None:
        return False
    with suppress(Exception):  # the server has gone, or does not know the run: nobody cancelled it
        async with asyncio.timeout(_PATIENCE_SECONDS), get_client() as client:
            state = (await client.read_flow_run(asked)).state
            return state is not None and state.type in _BY_PERSON
    return False


async def finished_run(flow_run_id: UUID) -> FlowRun:
    """A flow run that a worker has, once it has ended; cancelled with the run that waits here."""
    try:
        return await _ended(flow_run_id)
    except asyncio.CancelledError:
        if await was_cancelled():
            await _cancel(flow_run_id)
        raise


async def _ended(flow_run_id: UUID) -> FlowRun:
    # Asked for, not waited for by events: one that is lost would be waited for without end.
    async with get_client() as client:
        while True:
            found = await client.read_flow_run(flow_run_id)
            if found.state is not None and found.state.is_final():
                return found
            await asyncio.sleep(_LOOK_SECONDS)


async def _cancel(flow_run_id: UUID) -> None:
    message = "Cancelled with the run that it belongs to."
    with suppress(Exception):  # its documents are stopped all the same, and it finds that out
        async with asyncio.timeout(_PATIENCE_SECONDS), get_client() as client:
            await client.set_flow_run_state(flow_run_id, Cancelling(message=message))
