"""`navigator verify`: holds an environment against a recorded baseline."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.stack.status_file import api_of_stack
from app.terminal.console import answers, dollars, print_json, say, table, tell, tell_path, text
from app.terminal.entering import entered
from app.terminal.options import Json, MaxCost, Report

if TYPE_CHECKING:
    from deployments.verification.findings import Verification

_STYLES = {"ok": "green", "failed": "red", "left out": "red", "inconclusive": "yellow"}


def command(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Which environment.")],
    baseline: Annotated[
        Path, typer.Option("--baseline", "-b", metavar="FILE", help="What it is held against.")
    ],
    release: Annotated[
        str | None, typer.Option(help="The release whose workers have to do the work.")
    ] = None,
    report: Report = None,
    max_cost: MaxCost = None,
    json: Json = False,
) -> None:
    """Hold an environment against a baseline: structure, services, canaries, times."""
    from deployments.verification.baseline import read_baseline

    wanted = read_baseline(baseline.expanduser().absolute())
    page = report.expanduser().absolute() if report else None
    described, settings = entered(environment)
    described = described.reached_at(api_of_stack(settings.home.absolute()))
    from deployments.verification.verifying import verify  # not before: Prefect reads variables

    if max_cost is not None:
        described = described.allowing(Decimal(str(max_cost)))
    found = asyncio.run(
        verify(described, settings, wanted, release=release, told=lambda what: say(f"{what} …"))
    )
    if page is not None:
        from deployments.verification.rendering import as_html

        write_page(page, as_html(found))
    if json:
        print_json(as_json(found, page))
    else:
        _show(found, page)
    raise typer.Exit(0 if found.verified else 1)


def as_json(found: Verification, page: Path | None) -> dict[str, Any]:
    """The verification for a program."""
    return {**found.as_json(), "report": str(page) if page else None}


def write_page(page: Path, html: str) -> None:
    """Write a report for this user alone.

    Raises:
        StorageUnavailable: it cannot be written.
    """
    from pipeline.errors import StorageUnavailable
    from pipeline.private_files import write_private

    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_private(page, html.encode())
    except OSError as error:
        raise StorageUnavailable(
            f"The report cannot be written to {page} ({error.strerror}).",
            remedy="Choose another place with --report.",
        ) from None


def _show(found: Verification, page: Path | None) -> None:
    grid = table("Part", "What", "Outcome", "Expected", "Found")
    for each in found.findings:
        outcome = text(each.outcome.value, _STYLES.get(each.outcome.value, "dim"))
        grid.add_row(each.part, text(each.name), outcome, text(each.expected), text(each.found))
    answers().print(grid)
    for remedy in dict.fromkeys(each.remedy for each in found.wrong if each.remedy):
        say(f"→ {remedy}", "cyan")
    tell(found.summary, "bold green" if found.verified else "bold red")
    if found.usd:
        tell(f"The canaries cost {dollars(found.usd)}; it stands in the ledger of calls.")
    if page is not None:
        tell_path("The report is", page)
