"""Backfills for the command line: begun here or by a worker, planned, paused, resumed, listed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from app.ingestion import run_to_report
from app.prefect.flow_process import connect
from app.terminal.run_report import RunReport
from app.terminal.run_view import TerminalView
from pipeline.errors import UsageError
from pipeline.path_patterns import absolute_pattern
from pipeline.run_options import RunOptions
from pipeline.settings import Settings

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from pipeline.store.backfills import Backfill
    from stages.backfill_plan import BackfillPlan
    from stages.backfilling import BackfillOrder

DEPLOYMENT = "backfill/outdated"
"""The deployment that is started by hand; it takes whatever is asked for."""


def absolute_source(given: str | None) -> str | None:
    """A source as it is stored: a path that means the same everywhere, or an address."""
    return given if given is None or "://" in given else absolute_pattern(given)


async def planned(
    settings: Settings, order: BackfillOrder, progress: Callable[[int, int], None]
) -> BackfillPlan:
    """What a backfill would do; nothing is stored or paid."""
    from stages.backfill_plan import plan_backfill
    from stages.services import open_services

    async with open_services(settings) as services:
        return await plan_backfill(services, order, progress)


async def written_down(
    settings: Settings, order: BackfillOrder, options: RunOptions
) -> UUID | None:
    """The id of the run that is to do it; None when no document fits.

    Raises:
        UsageError: it is not said which documents.
    """
    from stages.backfill_runs import require_choice, write_down
    from stages.backfilling import chosen
    from stages.services import open_services

    require_choice(order)
    run_id = uuid4()
    async with open_services(settings) as services:
        if not await chosen(services, order, run_id, 1):
            return None
        await write_down(services, run_id, order, options)
    return run_id


async def named(settings: Settings, prefix: str, user: UUID | None) -> Backfill:
    """The backfill whose id begins so.

    Raises:
        UsageError: there is none, or more than one.
    """
    from pipeline.store.backfills import backfill_named
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        async with database.service() as connection:
            return await backfill_named(connection, prefix, user)


async def listed(settings: Settings, user: UUID | None, limit: int) -> list[Backfill]:
    """The newest backfills first."""
    from pipeline.retry_policy import LOOKING_SECONDS
    from pipeline.store.backfills import last_backfills
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack, patience_seconds=LOOKING_SECONDS)
        async with database.service() as connection:
            return await last_backfills(connection, user, limit)


async def paused(settings: Settings, backfill: Backfill) -> int:
    """Pause a backfill; how many documents wait for a person now.

    Raises:
        UsageError: it is over.
    """
    from stages.backfill_runs import pause
    from stages.services import open_services

    require_unfinished(backfill)
    async with open_services(settings) as services:
        return await pause(services, backfill.run_id)


def require_unfinished(backfill: Backfill) -> None:
    """Make sure that there is something left of a backfill.

    Raises:
        UsageError: it has ended.
    """
    if backfill.waiting or not backfill.selected:
        return
    raise UsageError(
        f"The backfill {str(backfill.run_id)[:8]} has ended: nothing of it is left.",
        remedy="`navigator backfill list` says how each stands.",
    )


def options_of(backfill: Backfill, cap: Decimal | None) -> RunOptions:
    """What a backfill was begun with, and the cap of the whole that holds from now on."""
    told = RunOptions.model_validate(backfill.options.get("run", {}))
    return told.model_copy(update={"max_cost_usd": cap})


def run_here(settings: Settings, run_id: UUID, user: UUID | None, options: RunOptions,
             *, resume: bool = False) -> RunReport:  # fmt: skip
    """Work a backfill off in this process, with live progress."""
    addresses = connect(settings, TerminalView())

    def start() -> Awaitable[State[Any]]:
        from flows.backfill import backfill

        # Prefect is told ids alone: it could not forget names and paths with their user.
        return backfill(
            select="chosen", user=str(user) if user else None,
            options=options.without_names(), run_id=run_id, resume=resume, return_state=True,
        )  # fmt: skip

    return run_to_report(run_id, user, start, settings, addresses, TerminalView())


def hand_over(settings: Settings, run_id: UUID, user: UUID | None, options: RunOptions,
              *, resume: bool = False) -> UUID:  # fmt: skip
    """Have a worker do it; the id of its flow run.

    Raises:
        ConfigurationError: there is no Prefect server with our deployments.
    """
    from app.prefect import handing_over

    parameters = {
        "select": "chosen",
        "user": str(user) if user else None,
        "options": options.without_names().model_dump(mode="json"),
        "run_id": str(run_id),
        "resume": resume,
    }
    later = "the backfill is written down, and `navigator backfill resume` begins it."
    return handing_over.hand_over(settings, DEPLOYMENT, parameters, later)
