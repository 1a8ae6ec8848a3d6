"""Starts the warm process after a reading command that ran cold."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

from app.warm.protocol import socket_path
from pipeline.child_processes import NEUTRAL_FOLDER, child_environment, module_command
from pipeline.errors import NavigatorError


def keep_warm() -> None:
    """Start one for as long as the embedded Postgres goes on too; nothing where it does not."""
    from pipeline.settings import load_settings

    path = socket_path()
    with suppress(NavigatorError, OSError):
        settings = load_settings()
        embedded = settings.database_url is None and settings.database_block is None
        idle = settings.database_idle_seconds
        if path is None or not embedded or idle <= 0 or not path.parent.is_dir():
            return
        process = subprocess.Popen(  # noqa: S603
            module_command("app.warm.server", f"{idle:g}"),
            env=child_environment(os.environ), cwd=NEUTRAL_FOLDER, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        process.returncode = 0  # it is not waited for
