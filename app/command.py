"""The `navigator` command: in the warm process where there is one, else in this one."""

from __future__ import annotations

import os
import sys

from app.warm import WARM_COMMANDS


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in WARM_COMMANDS or os.name != "posix":
        return _run()
    from app.warm.client import run_warm

    if (code := run_warm(arguments)) is not None:
        sys.exit(code)
    try:
        _run()
    finally:
        from app.warm.starting import keep_warm

        keep_warm()


def _run() -> None:
    from app.cli.main import main as run

    run()
