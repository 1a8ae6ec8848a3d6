"""Prefect's server as we start it: `uvicorn --factory app.prefect.application:create_own_app`.

It is ours alone: its password is a secret in its folder (PREFECT_HOME), and a guard stands in front
of all that it answers (`app/prefect/guard.py`).

On SQLite the server can stand still for a minute. Python's garbage collector runs wherever it is
due, also in the event loop's thread, and there frees a cursor of a connection that another thread
is waiting with: SQLite lets it wait until that one has the lock or gives up (Prefect: 60 s), while
whoever holds the lock needs the event loop to let go of it. So garbage is collected in a thread of
its own, which may wait. Transactions wait for each other too: `app/prefect/sqlite_transactions.py`.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.prefect.access import SERVER_VARIABLE, own_auth_string
from app.prefect.csrf import remember_tokens
from app.prefect.guard import Guard
from app.prefect.sqlite_transactions import take_the_lock_first
from pipeline.private_files import keep_private

if TYPE_CHECKING:
    from fastapi import FastAPI

_YOUNG_SECONDS = 0.5
_YOUNG_TO_WHOLE = 40


def create_own_app() -> Guard:
    """Prefect's application for who has the password of its folder, and for nobody else.

    Raises:
        KeyError: PREFECT_HOME is not set.
        ConfigurationError: the password cannot be kept.
    """
    gc.disable()  # for the imports to come
    from pipeline.settings import load_settings

    keep_private()
    # Prefect reads its settings when it is imported.
    os.environ[SERVER_VARIABLE] = own_auth_string(Path(os.environ["PREFECT_HOME"]))
    os.environ["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] = "true"
    origins = os.environ.get("PREFECT_SERVER_CORS_ALLOWED_ORIGINS", "").split(",")
    hosts = load_settings().prefect_hosts.split()
    remember_tokens()
    return Guard(create_app(), os.environ[SERVER_VARIABLE], hosts, origins)


def create_resident_app() -> Guard:
    """The same for commands that share it; it ends once nobody has used it for a while.

    Raises:
        KeyError: PREFECT_HOME is not set.
        ConfigurationError: the password cannot be kept.
    """
    from app.prefect.idle_end import end_when_unused

    end_when_unused(Path(os.environ["PREFECT_HOME"]))
    return create_own_app()


def create_app() -> FastAPI:
    """Prefect's application without a password, for SQLite: see this module's first words."""
    gc.disable()
    from prefect.server.api.server import create_app as create

    keep_private()
    take_the_lock_first()
    made: FastAPI = create()
    gc.freeze()  # what the imports left stays for good, and need not be looked through
    threading.Thread(target=_collect, name="garbage", daemon=True).start()
    return made


def _collect() -> None:
    rounds = 0
    while True:
        time.sleep(_YOUNG_SECONDS)
        rounds += 1
        gc.collect(2 if rounds % _YOUNG_TO_WHOLE == 0 else 1)
