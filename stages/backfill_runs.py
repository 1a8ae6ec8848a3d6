"""Begins, pauses and resumes backfills as runs of the database; how each stands, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from pipeline.errors import UsageError
from pipeline.identity import OPERATOR
from pipeline.run_options import RunOptions
from pipeline.store import backfills, runs
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.transitions import Actor
from stages.backfilling import BackfillOrder, chosen
from stages.services import Services


@dataclass(frozen=True, slots=True)
class BegunBackfill:
    """A backfill that begins, or goes on.

    Attributes:
        selected: its documents are chosen already.
        ending: name and reason when there is nothing to do.
    """

    run_id: UUID
    order: BackfillOrder
    selected: bool = False
    ending: tuple[str, str] | None = None


def require_choice(order: BackfillOrder) -> None:
    """Make sure that not simply everything is meant.

    Raises:
        UsageError: it says nothing at all.
    """
    if order.select == "chosen" and order.choice.is_empty:
        raise UsageError(
            "It is not said which documents to take up.",
            remedy="Name a set (such as failed or outdated), or give a filter (such as a source, "
            "a tag or a state).",
        )


async def begin_backfill(
    services: Services,
    run_id: UUID,
    order: BackfillOrder,
    options: RunOptions,
    flow_run: UUID | None,
    *,
    resume: bool = False,
) -> BegunBackfill:
    """Write a backfill down, or find what it was asked for before.

    Args:
        resume: one that a person paused goes on.

    Raises:
        UsageError: nothing is chosen, or the run to resume is none.
    """
    there = await _found(services, run_id)
    if there is not None:
        if there.paused and not resume:
            return BegunBackfill(run_id, order, ending=("Paused", backfills.PAUSED))
        if not there.alive:
            await go_on(services, run_id, options.max_cost_usd)
        await _begin(services, run_id, flow_run)
        return BegunBackfill(run_id, BackfillOrder.of(there), there.selected)
    if resume:
        raise UsageError(
            "There is no backfill of this id to resume.",
            remedy="`navigator backfill list` names them.",
        )
    require_choice(order)
    if not await chosen(services, order, run_id, 1):
        return BegunBackfill(run_id, order, ending=("Nothing to do", "No document fits."))
    await write_down(services, run_id, order, options)
    await _begin(services, run_id, flow_run)
    return BegunBackfill(run_id, order)


@retry_on_restart
async def _found(services: Services, run_id: UUID) -> backfills.Backfill | None:
    async with services.database.service() as connection:
        return await backfills.backfill(connection, run_id)


@retry_on_restart
async def _begin(services: Services, run_id: UUID, flow_run: UUID | None) -> None:
    async with services.database.service() as connection:
        await runs.begin_run(connection, run_id, flow_run)


@retry_on_restart
async def write_down(
    services: Services, run_id: UUID, order: BackfillOrder, options: RunOptions
) -> None:
    """Write down what a backfill is to do, so that Prefect need not be told."""
    told = {"run": options.without_names().model_dump(mode="json")}
    async with services.database.service() as connection:
        await runs.start_run(
            connection,
            run_id,
            order.user_id or OPERATOR,
            "backfill",
            options=order.record() | told,
            max_cost_usd=options.max_cost_usd,
            asked=False,
        )


@retry_on_restart
async def go_on(services: Services, run_id: UUID, cap: Decimal | None) -> int:
    """Let what was stopped of a backfill go on as its own; how many documents.

    Args:
        cap: of the whole in dollars; None for the one that it has.
    """
    async with services.database.service() as connection:
        await backfills.ask_for(connection, run_id, cap)
    async with services.database.service() as connection:
        return await backfills.resume(connection, run_id, Actor("person", run_id))


@retry_on_restart
async def pause(services: Services, run_id: UUID) -> int:
    """Pause a backfill; how many documents wait for a person now."""
    async with services.database.service() as connection:
        return await backfills.pause(connection, run_id)
