"""`navigator source`: sources that are read on a schedule, such as buckets and mailboxes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app import sources as added
from app.terminal import options
from app.terminal.confirmation import confirm
from app.terminal.console import print_json, quantity, say, tell
from app.terminal.options import Json, User, Yes
from app.terminal.sources import print_sources
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.run_options import RunOptions
from pipeline.settings import Settings, load_settings
from pipeline.source_definition import (
    SourceDefinition,
    require_name,
    require_options,
    seconds_of,
)

if TYPE_CHECKING:
    from app.terminal.run_report import RunReport

group = typer.Typer(
    help="Read buckets, folders and mailboxes on a schedule.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `navigator source list` shows it.")]


@group.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and dashes.")],
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="s3://bucket/prefix, gs://, az://, imaps://user@host/folder, PATH.",
        ),
    ],
    user: User = None,
    rights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="Whose what is: PATTERN=USER, clients/{user}/ or tag:LABEL. Repeat for several.",
        ),
    ] = None,
    tag: options.Tags = None,
    exclude: options.Exclude = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Of the source, such as endpoint and region."),
    ] = None,
    credentials: Annotated[
        str | None,
        typer.Option(metavar="WHERE", help="env:NAME, file:/PATH or block:NAME; never a secret."),
    ] = None,
    every: Annotated[
        str | None, typer.Option(metavar="TIME", help="Between two runs, such as 15m, 1h, 1d.")
    ] = None,
    cron: Annotated[
        str | None, typer.Option(metavar="CRON", help="When it is read, in UTC: '30 2 * * *'.")
    ] = None,
    keep_gone: Annotated[
        bool, typer.Option("--keep-gone", help="Keep documents whose objects are gone.")
    ] = False,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not list it now, as where only a worker can.")
    ] = False,
    json: Json = False,
) -> None:
    """Add a source, list it once without reading it, and schedule its runs."""
    settings = load_settings()
    definition = _definition(
        settings, name, url, user, rights, tag, exclude, option, credentials, every, cron,
        keep_gone=keep_gone,
    )  # fmt: skip
    counts = {} if no_check else asyncio.run(added.look_at(settings, definition))
    from pipeline.store import sources

    asyncio.run(added.change(settings, partial(sources.add, source=definition)))
    scheduled = added.reschedule(settings)
    if json:
        told = {"source": definition.as_json(), "scheduled": scheduled, "found": counts}
        print_json(told)
        return
    tell(f"Added {definition.name}: {definition.schedule}.")
    if counts:
        documents = quantity(counts["documents"], "document")
        tell(f"It holds {documents} among {quantity(counts['listed'], 'object')}.")
    _say_scheduled(scheduled)


def _definition(
    settings: Settings,
    name: str,
    url: str,
    user: str | None,
    rights: list[str] | None,
    tag: list[str] | None,
    exclude: list[str] | None,
    option: list[str] | None,
    credentials: str | None,
    every: str | None,
    cron: str | None,
    *,
    keep_gone: bool,
) -> SourceDefinition:
    from pipeline.ignore_rules import spec_of
    from pipeline.secret_references import require_reference
    from stages.sources.definitions import address_of

    if every and cron:
        raise UsageError("A source has one schedule.", remedy="Give --every or --cron.")
    if user and rights:
        raise UsageError(
            "--user and --rights say two things.", remedy="Give --rights '**=USER' as the last."
        )
    if cron:
        from deployments.source_deployments import require_cron

        require_cron(cron)
    spec_of(exclude or (), "--exclude")
    made = SourceDefinition(
        url=address_of(url).url,
        user_id=None if rights else user_id(user or settings.user),
        name=require_name(name),
        rights=tuple(rights or ()),
        tags=tuple(tag or ()),
        exclude=tuple(exclude or ()),
        options=require_options(_pairs(option or [])),
        credentials=require_reference(credentials) if credentials else None,
        sync=not keep_gone,
        interval_seconds=seconds_of(every) if every else None,
        cron=cron,
    )
    assert made.mapped, "its rules can be read"
    return added.new(made)


def _pairs(given: list[str]) -> dict[str, str]:
    for each in given:
        if "=" not in each:
            raise UsageError("An option is NAME=VALUE.", remedy="Write --option region=eu-west-1.")
    return dict(each.split("=", 1) for each in given)


@group.command("list")
def show(json: Json = False) -> None:
    """Show every source, with what came of its last run."""
    found = asyncio.run(added.all_sources(load_settings()))
    if json:
        print_json({"sources": [each.as_json() for each in found]})
        return
    if not found:
        say("There are no sources: `navigator source add NAME URL` adds one.")
        return
    print_sources(found)


@group.command()
def pause(name: Name, json: Json = False) -> None:
    """Have no run read a source from now on."""
    _pause(name, paused=True, json=json)


@group.command()
def resume(name: Name, json: Json = False) -> None:
    """Have a paused source read again."""
    _pause(name, paused=False, json=json)


def _pause(name: str, *, paused: bool, json: bool) -> None:
    from pipeline.store import sources

    settings = load_settings()
    asyncio.run(added.one_source(settings, name))
    asyncio.run(added.change(settings, partial(sources.pause, name=name, paused=paused)))
    scheduled = added.reschedule(settings)
    if json:
        print_json({"name": name, "paused": paused, "scheduled": scheduled})
    else:
        tell(f"{name} is {'paused' if paused else 'read again'}.")
        _say_scheduled(scheduled)


@group.command()
def remove(name: Name, yes: Yes = False, json: Json = False) -> None:
    """Forget a source; its documents stay."""
    from pipeline.store import sources

    settings = load_settings()
    asyncio.run(added.one_source(settings, name))
    if not yes:
        confirm(f"Forget the source {name}? Its documents stay.")
    asyncio.run(added.change(settings, partial(sources.remove, name=name)))
    scheduled = added.reschedule(settings)
    if json:
        print_json({"name": name, "removed": True, "scheduled": scheduled})
    else:
        tell(f"Removed {name}; its documents stay.")


@group.command()
def run(name: Name, max_cost: options.MaxCost = None, json: Json = False) -> None:
    """Read a source now: what is new or changed, and what is gone."""
    from decimal import Decimal

    from app.terminal.run_report import show_run
    from app.terminal.run_view import TerminalView

    settings = load_settings()
    definition = asyncio.run(added.one_source(settings, name))
    wanted = RunOptions(max_cost_usd=Decimal(str(max_cost)) if max_cost is not None else None)
    report, after = added.run(settings, definition, wanted, TerminalView())
    if json:
        print_json(after.as_json())
        raise typer.Exit(_code(after, report))
    if report.documents:
        show_run(report, {}, json=False)
    print_sources([after])
    raise typer.Exit(_code(after, report))


def _code(source: SourceDefinition, report: RunReport) -> int:
    counts: dict[str, Any] = source.last.counts if source.last else {}
    well = source.last is not None and source.last.trouble is None and not counts.get("rejected")
    return 0 if well and report.all_fine else 1


def _say_scheduled(scheduled: bool) -> None:
    if not scheduled:
        say("There is no Prefect server: runs are scheduled when `navigator up` runs.")
