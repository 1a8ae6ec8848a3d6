"""A Prefect database that is migrated already: made once on a machine, copied for each server.

A new server takes nine seconds of processor time with an empty database and three with this one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import prefect


def put_database(folder: Path, serve: Callable[[Path], AbstractContextManager[Any]]) -> None:
    """Give a server's folder a migrated database, unless it has one.

    Args:
        serve: runs a server over a folder while its block lasts, for making the template.
    """
    target = folder / "prefect.db"
    if target.exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(_template(serve), target)
    target.chmod(0o600)


def _template(serve: Callable[[Path], AbstractContextManager[Any]]) -> Path:
    shared = Path(tempfile.gettempdir()) / f"navigator-tests-{os.getuid()}"
    shared.mkdir(mode=0o700, exist_ok=True)
    template = shared / f"prefect-{prefect.__version__}.db"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            with tempfile.TemporaryDirectory(dir=shared) as made:
                with serve(Path(made)):
                    pass
                _whole_copy(Path(made) / "prefect.db", Path(made) / "whole.db")
                (Path(made) / "whole.db").replace(template)
    return template


def _whole_copy(database: Path, target: Path) -> None:
    """With what still lies in its write-ahead log."""
    with sqlite3.connect(database) as source, sqlite3.connect(target) as copy:
        source.backup(copy)
    source.close()
    copy.close()
