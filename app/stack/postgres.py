"""Holds the embedded Postgres (`python -m app.stack.postgres FOLDER`) until it ends or is stopped.

Postgres is a daemon that stops with the last process that holds it. This one holds it for the time
that `navigator up` runs, and lets the supervisor see when it has died.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

from app.terminal.console import say
from pipeline.errors import NavigatorError
from pipeline.private_files import keep_private
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.embedded_tools import postmaster

_LOOK_SECONDS = 0.5


def hold(folder: Path) -> int:
    """Hold the Postgres of `folder` until SIGTERM; 1 when it does not start or has died."""
    # A handler runs in the middle of anything, also of another one: a lock would wait for itself.
    asked, asking = os.pipe()
    os.set_blocking(asking, False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _ask(asking))
    try:
        start_embedded(folder)
    except NavigatorError as error:
        say(f"{error.message} {error.remedy}")
        return 1
    held = postmaster(folder)
    say("Postgres accepts connections.")
    while not select.select([asked], [], [], _LOOK_SECONDS)[0]:
        # Another one runs where a process that needed it was faster than this look.
        if held is None or postmaster(folder) != held:
            say("Postgres has ended.")
            return 1
    stop_embedded(folder)
    return 0


def _ask(pipe: int) -> None:
    with suppress(BlockingIOError):  # asked a thousand times already
        os.write(pipe, b".")


if __name__ == "__main__":
    keep_private()
    sys.exit(hold(Path(sys.argv[1])))
