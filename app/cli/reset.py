"""`navigator reset`: empties the local default, and nothing else."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.prefect.resident_note import end_resident
from app.stack.status_file import running_stack
from app.terminal import options
from app.terminal.confirmation import confirm
from app.terminal.console import print_json, say, tell
from app.terminal.options import Json
from pipeline.errors import StorageUnavailable, UsageError
from pipeline.settings import Settings, load_settings

FOLDERS = ("postgres", "objects", "prefect", "reports", "logs", "stack", ".restoring")


def existing(settings: Settings) -> list[Path]:
    """The folders that a reset would remove.

    Raises:
        UsageError: the corpus is not in the local default.
    """
    if settings.database_url is not None or settings.database_block is not None:
        raise UsageError(
            "Only the local default can be emptied, and a database of yours is set.",
            remedy="Unset DATABASE_URL and NAVIGATOR_DATABASE_BLOCK, or empty that database "
            "with its own tools.",
        )
    return [folder for name in FOLDERS if (folder := settings.home / name).exists()]


def size(folders: list[Path]) -> int:
    """Bytes in the folders, as far as they can be read."""
    files = (path for folder in folders for path in folder.rglob("*"))
    return sum(path.lstat().st_size for path in files if path.is_file())


def reset(settings: Settings) -> None:
    """Stop what runs on the local default and remove its folders.

    Raises:
        UsageError: another process uses it.
        StorageUnavailable: a folder cannot be removed.
    """
    folders = existing(settings)
    if running_stack(settings.home) is not None:
        raise UsageError(
            f"`navigator up` runs on {settings.home}.", remedy="`navigator down` stops it."
        )
    with _prefect_stopped(settings.home / "prefect"):
        _stop_postgres(settings.home / "postgres")
        for folder in folders:
            _remove(folder)


@contextmanager
def _prefect_stopped(folder: Path) -> Iterator[None]:
    """Hold the lock that a run with its own Prefect server holds."""
    lock = folder / "lock"
    if not lock.exists():
        yield
        return
    end_resident(folder)
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _in_use("A run is under way.") from None
        yield


def _stop_postgres(folder: Path) -> None:
    from pipeline.store.embedded import other_holders, stop_embedded

    if others := other_holders(folder):
        named = ", ".join(str(pid) for pid in others)
        raise _in_use(f"The database is in use by another process ({named}).")
    if not (folder / "postmaster.pid").exists():
        return
    stop_embedded(folder)  # left over from a process that was killed


def _in_use(message: str) -> UsageError:
    return UsageError(message, remedy="Wait for it or end it, then reset again.")


def _remove(folder: Path) -> None:
    try:
        if folder.is_symlink():
            folder.unlink()  # never what it points to
        else:
            shutil.rmtree(folder)
    except OSError as error:
        raise StorageUnavailable(
            f"{folder} cannot be removed ({error.strerror}).",
            remedy="Check its permissions, then reset again.",
        ) from error


def command(yes: options.Yes = False, json: Json = False) -> None:
    """Empty the local default: documents, vectors, runs and reports. Asks first."""
    settings = load_settings()
    folders = existing(settings)
    if folders:
        _empty(settings, folders, yes=yes)
    if json:
        print_json({"home": str(settings.home), "removed": [str(each) for each in folders]})
    elif folders:
        tell(f"Emptied {settings.home}.")
    else:
        tell(f"There is nothing in {settings.home}.")


def _empty(settings: Settings, folders: list[Path], *, yes: bool) -> None:
    if not yes:
        for folder in folders:
            say(f"  {folder}")
        megabytes = size(folders) / 1_000_000
        confirm(f"Remove these folders with everything in them ({megabytes:,.0f} MB)?")
    reset(settings)
