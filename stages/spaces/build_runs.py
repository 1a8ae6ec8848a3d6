"""Runs the filling of a space as a run of the database: its cap, its bill, how it ended."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from pipeline.errors import NavigatorError, RunStopped, TransientError, UsageError
from pipeline.identity import OPERATOR
from pipeline.store import embedding_spaces, runs, space_pointer
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.space_pointer import StoredSpace
from stages.services import Services
from stages.spaces.filling import Filled, Progress, fill
from stages.spaces.following import in_space_of

KIND = "space"
"""Of such a run."""


@dataclass(frozen=True, slots=True)
class SpaceRun:
    """What came of a run that fills a space.

    Attributes:
        stopped: why it ended before the space was whole, if it did; run again, it goes on.
        usd: what the run was billed.
    """

    space_id: UUID
    run_id: UUID
    texts: int
    left: int
    usd: Decimal
    refused: dict[str, int] = field(default_factory=dict)
    stopped: NavigatorError | None = None


@retry_on_restart
async def stored_space(services: Services, space_id: UUID) -> StoredSpace:
    """A space that is being filled.

    Raises:
        UsageError: there is none of this id, or it was dropped.
    """
    async with services.database.service() as connection:
        space = await space_pointer.space(connection, space_id)
    if space is None or not space.filled:
        raise UsageError(
            "There is no embedding space of this id that is being filled.",
            remedy="Begin one with `navigator space build`.",
        )
    return space


async def run_fill(
    services: Services,
    space: StoredSpace,
    run_id: UUID,
    *,
    cap: Decimal | None = None,
    flow_run: UUID | None = None,
    progress: Progress | None = None,
) -> SpaceRun:
    """Fill a space as a run, as far as its cap and its service let it.

    Raises:
        ConfigurationError: its embedder cannot be opened here.
        TransientError: the database does not answer; what was bought is kept.
    """
    beside = await in_space_of(services, await services.embedders.of(space))
    await _start(services, run_id, space.id, cap, flow_run)
    stopped: NavigatorError | None = None
    filled = Filled()
    try:
        filled = await fill(beside, run_id, progress=progress, into=filled)
        stopped = filled.unanswered
    except RunStopped as stop:
        stopped = stop
    finally:
        with suppress(TransientError):
            await _finish(services, run_id, stopped)
    usd = await _spent(services, run_id)
    return SpaceRun(space.id, run_id, filled.texts, filled.left, usd, filled.refused, stopped)


@retry_on_restart
async def _start(
    services: Services, run_id: UUID, space: UUID, cap: Decimal | None, flow_run: UUID | None
) -> None:
    async with services.database.service() as connection:
        await runs.start_run(
            connection, run_id, OPERATOR, KIND, options={"space": str(space)}, max_cost_usd=cap
        )
        await runs.begin_run(connection, run_id, flow_run)


@retry_on_restart
async def _finish(services: Services, run_id: UUID, stopped: NavigatorError | None) -> None:
    async with services.database.service() as connection:
        await runs.finish_run(connection, run_id, stopped.message if stopped else None)


@retry_on_restart
async def _spent(services: Services, run_id: UUID) -> Decimal:
    async with services.database.service() as connection:
        return await runs.spent(connection, run_id)


async def needs_index(services: Services, space: StoredSpace) -> bool:
    """Whether the space is large enough for a vector index, and has none."""
    enough = services.settings.hnsw_min_vectors
    return await embedding_spaces.needs_index(services.database, space.id, enough)
