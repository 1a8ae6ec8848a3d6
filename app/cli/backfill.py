"""`navigator backfill`: takes documents up again, by what they are; pauses and resumes it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app import backfills
from app.terminal import options
from app.terminal.backfills import (
    backfill_json,
    plan_json,
    plan_progress,
    print_backfills,
    print_plan,
)
from app.terminal.console import print_json, say, tell
from app.terminal.options import Json, User
from app.terminal.run_report import show_run
from pipeline.backfill_choice import SELECTS, BackfillChoice, Select
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.run_options import RunOptions
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from uuid import UUID

group = typer.Typer(
    help="Take documents up again: failed, outdated, by source, tag, date, pipeline, suite.",
    epilog="Sets: " + "; ".join(f"{name}: {what}" for name, what in SELECTS.items()) + ".",
    invoke_without_command=True,
    rich_markup_mode=None,
)
Everyone = Annotated[bool, typer.Option("--everyone", help="Of all users, not of one.")]
Deployed = Annotated[
    bool, typer.Option("--deployed", help="Have a worker of the Prefect server do it.")
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="The start of a backfill's id.")]
_MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def _owner(settings: Settings, user: str | None, *, everyone: bool) -> UUID | None:
    if everyone and user is not None:
        raise UsageError(
            "--everyone and --user contradict each other.", remedy="Give one of the two."
        )
    return None if everyone else user_id(user or settings.user)


def _choice(**given: Any) -> BackfillChoice:
    """The filters.

    Raises:
        UsageError: one of them is nothing that there is.
    """
    from pydantic import ValidationError

    try:
        return BackfillChoice(**given)
    except ValidationError as error:
        reason = str(error.errors(include_input=False)[0]["msg"]).removeprefix("Value error, ")
        raise UsageError(reason, remedy="`navigator backfill --help` says what there is.") from None


@group.callback()
def begin(
    ctx: typer.Context,
    select: Annotated[
        Select, typer.Option(help="A set that has a name; see below.", show_default=False)
    ] = "chosen",
    source: Annotated[
        str | None,
        typer.Option(help="Only this file, what is below this folder or address, or a pattern."),
    ] = None,
    tag: options.Tags = None,
    since: Annotated[
        datetime | None, typer.Option(formats=_MOMENTS, help="Taken in at or after this, UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_MOMENTS, help="Taken in before this, UTC.")
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="published, gaps, failed, waiting, or a state's name."),
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(help="'other' than today's, or how a parser, chunker or model begins."),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(help="Judged by 'other' suites than today's, or by this version."),
    ] = None,
    older_than: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="Not changed for so long.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="At most so many, oldest first.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would do and cost.")
    ] = False,
    max_cost: options.MaxCost = None,
    deployed: Deployed = False,
    everyone: Everyone = False,
    password_file: options.PasswordFile = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Begin a backfill, or plan it."""
    if ctx.invoked_subcommand is not None:
        return
    from stages.backfilling import BackfillOrder

    settings = load_settings()
    choice = _choice(
        source=backfills.absolute_source(source), tags=tag or [], since=since, until=until,
        states=state or [], pipeline=pipeline, suite=suite,
    )  # fmt: skip
    owner = _owner(settings, user, everyone=everyone)
    order = BackfillOrder(select, choice, owner, older_than, limit)
    if dry_run:
        with plan_progress() as progress:
            made = asyncio.run(backfills.planned(settings, order, progress))
        if json:
            print_json(plan_json(made))
        else:
            print_plan(made)
        return
    asked = RunOptions(max_cost_usd=None if max_cost is None else Decimal(str(max_cost)))
    run_id = asyncio.run(backfills.written_down(settings, order, asked))
    if run_id is not None:
        raise typer.Exit(_worked_off(settings, run_id, owner, asked, deployed, json, resume=False))
    if json:
        print_json({"documents": []})
    else:
        tell("No document fits: there is nothing to do.")


def _worked_off(
    settings: Settings, run_id: UUID, owner: UUID | None, asked: RunOptions,
    deployed: bool, json: bool, *, resume: bool,
) -> int:  # fmt: skip
    """Do it here or have it done; the exit code."""
    if not deployed:
        report = backfills.run_here(settings, run_id, owner, asked, resume=resume)
        return show_run(report, {}, json=json)
    flow_run = backfills.hand_over(settings, run_id, owner, asked, resume=resume)
    if json:
        print_json({"run_id": run_id, "flow_run_id": flow_run})
    else:
        tell(f"A worker does it: the backfill {str(run_id)[:8]}, flow run {flow_run}.")
    return 0


@group.command("pause")
def pause(run: Run, everyone: Everyone = False, user: User = None, json: Json = False) -> None:
    """Pause a backfill: nothing more is paid for, and no schedule takes its documents up."""
    settings = load_settings()
    found = asyncio.run(backfills.named(settings, run, _owner(settings, user, everyone=everyone)))
    count = asyncio.run(backfills.paused(settings, found))
    name = str(found.run_id)[:8]
    if json:
        print_json({"run_id": found.run_id, "stopped": count, "alive": found.alive})
        return
    tell(f"The backfill {name} is paused: {count:,} documents wait.")
    if found.alive:
        say("Whoever works on it finishes what is under way at this moment, and ends.")
    say(f"Go on with `navigator backfill resume {name}`.")


@group.command("resume")
def resume(
    run: Run,
    max_cost: Annotated[
        float | None,
        typer.Option(min=0, metavar="USD", help="A new cap, of all that the backfill spends."),
    ] = None,
    deployed: Deployed = False,
    everyone: Everyone = False,
    password_file: options.PasswordFile = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Go on with a backfill that was paused, reached its cap, or died."""
    settings = load_settings()
    owner = _owner(settings, user, everyone=everyone)
    found = asyncio.run(backfills.named(settings, run, owner))
    backfills.require_unfinished(found)
    cap = None if max_cost is None else Decimal(str(max_cost))
    asked = backfills.options_of(found, cap)
    raise typer.Exit(_worked_off(settings, found.run_id, owner, asked, deployed, json, resume=True))


@group.command("list")
def list_(
    limit: options.Limit = 20, everyone: Everyone = False, user: User = None, json: Json = False
) -> None:
    """Show backfills, the newest first, and how far each is."""
    settings = load_settings()
    owner = _owner(settings, user, everyone=everyone)
    found = asyncio.run(backfills.listed(settings, owner, limit))
    if json:
        print_json({"backfills": [backfill_json(each) for each in found]})
    else:
        print_backfills(found)
