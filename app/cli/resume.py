"""`navigator resume`: continues what a cost cap, an exhausted quota or a person stopped."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import typer

from app.cli.retry import go_on
from app.prefect.flow_process import connect
from app.terminal import options
from app.terminal.database import reading
from app.terminal.options import Json, User
from app.terminal.run_report import RunReport, show_run
from app.terminal.run_view import TerminalView
from pipeline.errors import UsageError
from pipeline.settings import Settings, load_settings


def resume(settings: Settings, user: str | None, given: str, cap: Decimal | None) -> RunReport:
    """Go on with what was stopped of a run.

    Args:
        given: the beginning of the run's id. cap: in dollars, for what goes on.

    Raises:
        UsageError: there is no such run, or nothing of it was stopped.
    """
    addresses = connect(settings, TerminalView())
    jobs = asyncio.run(_stopped(settings, user, given))
    return go_on(settings, user, addresses, jobs, kind="resume", cap=cap)


async def _stopped(settings: Settings, user: str | None, given: str) -> list[UUID]:
    from pipeline.store import stops, summary

    async with reading(settings, user) as connection:
        run = await summary.find_run(connection, given.lower())
        found = await stops.stopped_jobs(connection, run.run_id) if run else {}
        others = await stops.stopped_runs(connection)
    if found:
        return [job for jobs in found.values() for job in jobs]
    named = ", ".join(str(each.run_id)[:8] for each in others)
    what = f"Nothing of the run {given} was stopped." if run else f"There is no run {given!r}."
    raise UsageError(
        what, remedy=f"Runs that can be resumed: {named}." if named else "No run was stopped."
    )


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The start of a run's id.")],
    max_cost: options.MaxCost = None,
    password_file: options.PasswordFile = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Go on with what a cap, an exhausted quota or a person stopped."""
    cap = Decimal(str(max_cost)) if max_cost is not None else None
    report = resume(load_settings(), user, run, cap)
    raise typer.Exit(show_run(report, {}, json=json))
