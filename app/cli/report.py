"""`navigator report`: makes and signs the quality report, opens it, and verifies earlier ones."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.terminal.console import print_json, tell, tell_path, working
from app.terminal.desktop import has_desktop, show
from app.terminal.options import Json, User
from pipeline.errors import StorageUnavailable, UsageError
from pipeline.identity import user_id
from pipeline.private_files import write_private
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from flows.report_making import MadeReport
    from stages.report_verifying import ChainVerdict, Finding

group = typer.Typer(
    help="Write the data-quality report and open it on a desktop.", rich_markup_mode=None
)


async def report(
    settings: Settings, user: str | None, run: str | None, output: Path | None
) -> tuple[MadeReport, Path]:
    """Make the report of a run, or over time; it and its page's path.

    Args:
        user: only this user's documents; everyone's when None.
        run: the beginning of a run's id, or ``last``.
        output: where to put the page; in the home folder when None.

    Raises:
        UsageError: there is no such run.
        StorageUnavailable: the page cannot be written.
    """
    from flows.report_making import write_report
    from pipeline.retry_policy import LOOKING_SECONDS
    from pipeline.store import summary
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack, patience_seconds=LOOKING_SECONDS)
        run_id = None
        if run is not None:
            async with database.reader(user_id(user or settings.user)) as connection:
                last = await summary.last_runs(connection, 1) if run == "last" else []
                found = last[0] if last else await summary.find_run(connection, run.lower())
            if found is None:
                raise UsageError(
                    f"There is no run {run!r}, or more than one begins so.",
                    remedy="`navigator status` shows the last runs; `--run last` is the newest.",
                )
            run_id = found.run_id
        try:
            with working("Writing the quality report"):
                made, written = await write_report(
                    database, settings, run_id=run_id, user_id=user_id(user) if user else None
                )
            return made, _moved(written, output) if output else written
        except OSError as error:
            raise StorageUnavailable(
                f"The report cannot be written ({error.strerror}).",
                remedy="Choose another place with --output, or free some space.",
            ) from error


def _moved(written: Path, output: Path) -> Path:
    target = output / written.name if output.is_dir() else output
    target.parent.mkdir(parents=True, exist_ok=True)
    write_private(target, written.read_bytes())
    return target.absolute()


@group.callback(invoke_without_command=True)
def command(
    context: typer.Context,
    run: Annotated[
        str | None, typer.Option(help="One run: the start of its id, or `last`. Else over time.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to put it.")] = None,
    open_it: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it, where there is a desktop.")
    ] = True,
    user: User = None,
    json: Json = False,
) -> None:
    """Write the data-quality report and open it on a desktop."""
    if context.invoked_subcommand is not None:
        return
    made, path = asyncio.run(report(load_settings(), user, run, output))
    if json:
        print_json({"report": str(path), "id": str(made.seal.id), "number": made.seal.number})
    else:
        tell_path("The quality report is", path)
    if open_it and not json and has_desktop():
        show(path.as_uri())


@group.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="A report's page or JSON; without it, every report.")
    ] = None,
    all_of_them: Annotated[
        bool, typer.Option("--all", help="Every report, and that none is missing.")
    ] = False,
    json: Json = False,
) -> None:
    """Say whether reports are as they were signed; exit 1 when one is not."""
    from stages.report_verifying import Finding

    if file is not None and all_of_them:
        raise UsageError("Both a file and --all were given.", remedy="Choose one of them.")
    settings = load_settings()
    if file is not None:
        finding = asyncio.run(_verify_file(settings, _content(file)))
        if json:
            none = {"links": None, "head": None, "removed": None}
            print_json({"holds": finding.holds, **none, "findings": [asdict(finding)]})
        else:
            tell(finding.sentence)
        raise typer.Exit(0 if finding.holds else 1)
    chain = asyncio.run(_verify_all(settings))
    if json:
        print_json(
            {
                "holds": not chain.findings,
                "links": chain.links,
                "head": chain.head,
                "removed": chain.removed,
                "findings": [asdict(each) for each in chain.findings],
            }
        )
    else:
        for each in chain.findings or (Finding("holds", chain.sentence),):
            tell(each.sentence)
    raise typer.Exit(1 if chain.findings else 0)


@group.command("rotate-key")
def rotate_key(json: Json = False) -> None:
    """Make a new key that signs reports; the old one still verifies those that it signed."""
    from stages.report_keys import rotate

    keys = rotate(load_settings())
    if json:
        print_json({"key": keys.signing})
        return
    tell(f"Reports are signed by the key {keys.signing} from now on.")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"The file {file} cannot be read ({error.strerror}).", remedy="Name another one."
        ) from None


async def _verify_file(settings: Settings, data: bytes) -> Finding:
    from stages.report_keys import report_keys
    from stages.report_verifying import verify_file
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        return await verify_file(database, report_keys(settings), data)


async def _verify_all(settings: Settings) -> ChainVerdict:
    from stages.report_keys import report_keys
    from stages.report_verifying import verify_chain
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        return await verify_chain(database, report_keys(settings))
