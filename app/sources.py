"""Adds, pauses, removes and runs sources, for the command line; nothing is printed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from app.prefect.run_view import RunView
from app.process.working_folder import leave_folder
from app.terminal.database import in_transaction
from pipeline.errors import UsageError
from pipeline.identity import OPERATOR
from pipeline.run_options import RunOptions
from pipeline.settings import Settings
from pipeline.source_definition import SourceDefinition

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from app.terminal.run_report import RunReport

Change = Callable[[Any], Awaitable[None]]


async def look_at(settings: Settings, definition: SourceDefinition) -> dict[str, int]:
    """List a source without reading anything of it; counts.

    Raises:
        NavigatorError: it cannot be opened or listed.
    """
    from stages.services import open_services
    from stages.sources.opening import opened_source
    from stages.sources.survey import survey

    async with open_services(settings) as services, opened_source(definition) as source:
        found = await survey(services, definition, source)
    return {**found.counts, "documents": found.documents}


async def change(settings: Settings, work: Change) -> None:
    """Change the sources' rows in one transaction.

    Raises:
        UsageError: it cannot be done.
    """
    await in_transaction(settings, work)


async def all_sources(settings: Settings) -> list[SourceDefinition]:
    """Every source, by name."""
    from pipeline.store import sources

    return await in_transaction(settings, sources.all_sources)


async def one_source(settings: Settings, name: str) -> SourceDefinition:
    """A source.

    Raises:
        UsageError: there is none of this name.
    """
    from pipeline.store import sources

    return await in_transaction(settings, lambda connection: sources.named(connection, name))


def knows_prefect(settings: Settings) -> bool:
    """Make the Prefect server known that schedules runs; false when there is none."""
    from app.prefect.server import prefect_of_stack, provide_prefect

    if not os.environ.get("PREFECT_API_URL") and prefect_of_stack(settings.home) is None:
        return False
    leave_folder()
    provide_prefect(settings.home, auth_file=settings.prefect_auth_file)
    return True


def reschedule(settings: Settings) -> bool:
    """Bring Prefect's deployments to what the sources say; false when there is no server."""
    if not knows_prefect(settings):
        return False
    from deployments.source_deployments import reconcile

    sources = asyncio.run(all_sources(settings))
    asyncio.run(reconcile(sources))
    return True


def run(
    settings: Settings, definition: SourceDefinition, options: RunOptions, view: RunView
) -> tuple[RunReport, SourceDefinition]:
    """Read a source now, in this process; the run, and the source with what came of it.

    Raises:
        NavigatorError: it could not be read; what is done is kept.
    """
    from app.ingestion import run_to_report
    from app.prefect.flow_process import connect

    if definition.paused_at is not None:
        raise UsageError(
            f"The source {definition.name!r} is paused.",
            remedy=f"`navigator source resume {definition.name}` has it read again.",
        )
    addresses = connect(settings, view)
    run_id = uuid4()

    async def start() -> State[Any]:
        from flows.sync_source import sync_source

        return await sync_source(definition.name, options=options, run_id=run_id, return_state=True)

    report = run_to_report(run_id, _owner(definition), start, settings, addresses, view)
    return report, asyncio.run(one_source(settings, definition.name))


def _owner(definition: SourceDefinition) -> UUID:
    return OPERATOR if definition.rights else definition.user_id or OPERATOR


def new(definition: SourceDefinition) -> SourceDefinition:
    """The source with an id of its own."""
    return replace(definition, id=uuid4())
