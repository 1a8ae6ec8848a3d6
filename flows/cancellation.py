"""Whether a person cancelled a run: Prefect's server knows, and the process only feels it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.runtime import flow_run

_PATIENCE_SECONDS = 5.0
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
