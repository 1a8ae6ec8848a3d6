"""Leaves the current folder before libraries read settings there, and remembers it.

Prefect reads `.env`, `prefect.toml` and `pyproject.toml` of the current folder, and a logging file
that these name can run code.
"""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.child_processes import NEUTRAL_FOLDER

_left: list[Path] = []


def leave_folder() -> None:
    """Work in a folder where nobody has put anything; paths have to be absolute by now."""
    try:
        _left[:] = [Path.cwd()]
    except OSError:
        _left.clear()  # it has been removed
    os.chdir(NEUTRAL_FOLDER)


def started_in() -> Path:
    """The folder that the person is in.

    Raises:
        OSError: it has been removed.
    """
    here = Path.cwd()
    return _left[0] if _left and str(here) == NEUTRAL_FOLDER else here
