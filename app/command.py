"""The `navigator` command: in the warm process where there is one, else in this one."""

from __future__ import annotations

import os
import sys

from app.warm import INGESTING, NO_DAEMON, OF_PREFECT, OF_SERVERS, WARM_COMMANDS


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    arguments = sys.argv[1:]
    if (kind := _kind(arguments)) is None:
        return _run()
    from app.warm.client import run_warm

    if (code := run_warm(arguments, kind)) is not None:
        sys.exit(code)
    try:
        _run()
    finally:
        from app.warm.starting import keep_warm

        keep_warm(kind)


def _kind(arguments: list[str]) -> str | None:
    """The kind of warm process that may run the command; None: none may."""
    kind = WARM_COMMANDS.get(arguments[0]) if arguments and os.name == "posix" else None
    if kind == INGESTING and (NO_DAEMON in arguments or any(map(_sets_client, os.environ))):
        return None
    return kind


def _sets_client(name: str) -> bool:
    return name.startswith(OF_PREFECT) and not name.startswith(OF_SERVERS)


def _run() -> None:
    from app.cli.main import main as run

    run()
