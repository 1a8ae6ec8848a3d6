"""`navigator shadow`: tries a release on a share of the real documents, and publishes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal.options import Json, MaxCost, Report

if TYPE_CHECKING:
    from deployments.verification.side_by_side import SideBySide
    from pipeline.store.shadows import Shadow

group = typer.Typer(
    help="Try a release on a share of the new documents, without publishing what it makes.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Environment = Annotated[str, typer.Argument(metavar="ENV", help="Of deployments/environments.")]


@group.command()
def start(
    environment: Environment,
    release: Annotated[
        str, typer.Argument(help="A file of `navigator release`, or the id of one known there.")
    ],
    share: Annotated[
        str, typer.Option(metavar="PERCENT", help="So much of the new documents: 10%.")
    ] = "10%",
    documents: Annotated[
        int, typer.Option(min=1, max=100_000, help="Ends when so many were compared.")
    ] = 50,
    time: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Ends after so long: 30m, 2h.")
    ] = None,
    report: Report = None,
    max_cost: MaxCost = None,
    json: Json = False,
) -> None:
    """Have a release work on new documents beside what runs; only what runs publishes.

    It ends by itself, by Ctrl-C, or by `navigator shadow stop` from another terminal.
    """
    from decimal import Decimal

    from app.terminal.durations import seconds
    from app.terminal.rollouts import entered
    from deployments.releases.stored import is_id

    part, long = share_of(share), seconds(time) if time else None
    named = release if is_id(release) else str(Path(release).absolute())
    page = report.expanduser().absolute() if report else None
    here = entered(environment)
    from deployments.releases.deploying import Deployer
    from deployments.releases.stored import release_named
    from deployments.shadow.starting import Order, shadow

    order = Order(part, documents, long, Decimal(str(max_cost or 0)))

    async def work(deployer: Deployer) -> tuple[Shadow, SideBySide]:
        packed = await release_named(deployer.storage, named)
        return await shadow(deployer, packed, order)

    ended, found = here.work(work)
    if page is not None:
        from app.cli.verify import write_page
        from deployments.verification.rendering import pairs_as_html

        write_page(page, pairs_as_html(found))
    _tell(ended, found, page, json=json)


@group.command()
def status(environment: Environment, json: Json = False) -> None:
    """Show the shadow that is under way with what it has compared, or how the last one ended."""
    from app.terminal.console import print_json, tell
    from app.terminal.rollouts import entered

    here = entered(environment)
    from deployments.shadow.starting import looked_at

    if (found := here.work(looked_at)) is not None:
        _tell(*found, None, json=json)
    elif json:
        print_json({"environment": environment, "shadow": None})
    else:
        tell(f"No release was tried as a shadow in {environment} yet.")


@group.command()
def stop(environment: Environment, json: Json = False) -> None:
    """End the shadow that is under way; what it made is removed, its statistics stay."""
    from app.terminal.console import print_json, tell
    from app.terminal.rollouts import entered

    here = entered(environment)
    from deployments.shadow import starting

    found = here.work(starting.stop)
    if json:
        print_json({"environment": environment, "shadow": shadow_json(found)})
    else:
        ended = "has ended" if found.ended_at else "ends with the document that it works on"
        tell(f"The shadow of {found.release_id} in {environment} {ended}.")


def share_of(told: str) -> float:
    """A share as a person writes it: 10%, 2.5 %, 0.1.

    Raises:
        UsageError: it is none, or not above 0 to 100 %.
    """
    from pipeline.errors import UsageError

    number, percent = told.strip().removesuffix("%").strip(), told.strip().endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise UsageError(f"{told!r} is no share of documents.", remedy="Write --share 10%.")
    return share


def shadow_json(found: Shadow) -> dict[str, Any]:
    """A shadow for a program."""
    return {
        "id": str(found.id),
        "environment": found.environment,
        "release": found.release_id,
        "share": found.share,
        "wanted": found.wanted,
        "max_cost_usd": found.max_cost_usd,
        "spent_usd": found.spent_usd,
        "who": found.who,
        "began_at": found.created_at,
        "ended_at": found.ended_at,
        "reason": found.reason,
        "statistics": found.statistics,
    }


def as_json(found: Shadow, side: SideBySide, page: Path | None) -> dict[str, Any]:
    """A shadow with the documents that it has compared."""
    told = side.as_json()
    return {
        "environment": found.environment,
        "shadow": shadow_json(found),
        "documents": told["documents"],
        "stages": told["stages"],
        "report": str(page) if page else None,
    }


def _tell(found: Shadow, side: SideBySide, page: Path | None, *, json: bool) -> None:
    from app.terminal.console import answers, dollars, print_json, tell, tell_path
    from app.terminal.side_by_side import documents_table, stages_table
    from deployments.shadow.comparing import told_statistics
    from deployments.shadow.starting import summary

    if json:
        print_json(as_json(found, side, page))
        return
    if side.documents:
        answers().print(documents_table(side))
    if side.stages:
        answers().print(stages_table(side))
    tell(summary(found.statistics or told_statistics(side)))
    ended = f"ended: {found.reason}" if found.ended_at else "is under way"
    tell(f"The shadow of {found.release_id} {ended} It has cost {dollars(found.spent_usd)}.")
    if page is not None:
        tell_path("The report is", page)
