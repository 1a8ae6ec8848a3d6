"""Starts a warm process after a command that ran cold."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

from app.warm import INGESTING, OF_PREFECT
from app.warm.protocol import loading_mark, socket_path
from pipeline.child_processes import NEUTRAL_FOLDER, child_environment, module_command
from pipeline.errors import NavigatorError
from pipeline.settings import Settings


def keep_warm(kind: str) -> None:
    """Start one of the kind, where the settings let it go on for the next command."""
    from pipeline.settings import load_settings

    path = socket_path(kind)
    with suppress(NavigatorError, OSError):
        idle = _idle_seconds(load_settings(), kind)
        if path is None or idle <= 0 or not path.parent.is_dir():
            return
        # Prefect's variables are set by a run, the password of our server among them.
        kept = {name: value for name, value in os.environ.items() if _is_kept(name)}
        loading_mark(path).touch(mode=0o600)
        process = subprocess.Popen(  # noqa: S603
            module_command("app.warm.server", f"{idle:g}", kind),
            env=child_environment(kept), cwd=NEUTRAL_FOLDER, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        process.returncode = 0  # it is not waited for


def _idle_seconds(settings: Settings, kind: str) -> float:
    if kind == INGESTING:
        # Where there was nothing to do, a second one hardly pays.
        return settings.engine_idle_seconds if "flows.ingest" in sys.modules else 0
    embedded = settings.database_url is None and settings.database_block is None
    return settings.database_idle_seconds if embedded else 0


def _is_kept(name: str) -> bool:
    return not name.startswith(OF_PREFECT)
