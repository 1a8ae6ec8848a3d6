"""The `navigator` command: in the warm process where there is one, else in this one."""

from __future__ import annotations

import sys

from app.warm.client import is_warm_command, run_warm


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    arguments = sys.argv[1:]
    if not is_warm_command(arguments):
        return _run()
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
