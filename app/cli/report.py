"""`navigator report`: write the quality report and show it where there is a desktop."""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from app.terminal.console import working
from pipeline.errors import StorageUnavailable, UsageError
from pipeline.identity import user_id
from pipeline.private_files import write_private
from pipeline.settings import Settings


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
    from flows.reporting import write_report
    from pipeline.store import summary
    from pipeline.store.outlasting import LOOKING_SECONDS
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
                written = await write_report(
                    database,
                    settings.home / "reports",
                    run_id=run_id,
                    user_id=user_id(user) if user else None,
                    max_tokens=settings.chunk_tokens,
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


def has_desktop() -> bool:
    """Whether a browser window can be opened for the person."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def show(address: str) -> bool:
    """Open a page in the person's browser; whether one was there."""
    import webbrowser

    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False
