"""`navigator report`: writes the quality report, and opens it where there is a desktop."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer

from app.terminal.console import print_json, tell_path, working
from app.terminal.desktop import has_desktop, show
from app.terminal.options import Json, User
from pipeline.chunk_sizes import sizes_in_force
from pipeline.errors import StorageUnavailable, UsageError
from pipeline.identity import user_id
from pipeline.private_files import write_private
from pipeline.settings import Settings, load_settings


async def report(
    settings: Settings, user: str | None, run: str | None, output: Path | None
) -> Path:
    """Write the report of a run, or over time; its path.

    Args:
        user: only this user's documents; everyone's when None.
        run: the beginning of a run's id, or ``last``.
        output: where to put the page; in the home folder when None.

    Raises:
        UsageError: there is no such run.
        StorageUnavailable: the page cannot be written.
    """
    from flows.report_builder import write_report
    from pipeline.retry_policy import LOOKING_SECONDS
    from pipeline.store import summary
    from pipeline.store.remembered_sizes import remembered_sizes
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack, patience_seconds=LOOKING_SECONDS)
        async with database.service() as connection:
            sizes = sizes_in_force(settings, await remembered_sizes(connection))
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
                written = await write_report(
                    database,
                    settings.home / "reports",
                    run_id=run_id,
                    user_id=user_id(user) if user else None,
                    max_tokens=sizes.tokens,
                )
            return _moved(written, output) if output else written
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


def command(
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
    path = asyncio.run(report(load_settings(), user, run, output))
    if json:
        print_json({"report": str(path)})
    else:
        tell_path("The quality report is", path)
    if open_it and not json and has_desktop():
        show(path.as_uri())
