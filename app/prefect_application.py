"""Prefect's server as we start it: `uvicorn --factory app.prefect_application:create_app`.

On SQLite the server can stand still for a minute. Python's garbage collector runs wherever it is
due, also in the event loop's thread, and there frees a cursor of a connection that another thread
is waiting with: SQLite lets it wait until that one has the lock or gives up (Prefect: 60 s), while
whoever holds the lock needs the event loop to let go of it. So garbage is collected in a thread of
its own, which may wait.
"""

from __future__ import annotations

import gc
import threading
import time
from typing import TYPE_CHECKING

from pipeline.private_files import keep_private

if TYPE_CHECKING:
    from fastapi import FastAPI

_YOUNG_SECONDS = 0.5
_YOUNG_TO_WHOLE = 40


def create_app() -> FastAPI:
    """Prefect's application, with its garbage collected elsewhere."""
    from prefect.server.api.server import create_app as create

    keep_private()
    gc.disable()
    threading.Thread(target=_collect, name="garbage", daemon=True).start()
    return create()


def _collect() -> None:
    rounds = 0
    while True:
        time.sleep(_YOUNG_SECONDS)
        rounds += 1
        gc.collect(2 if rounds % _YOUNG_TO_WHOLE == 0 else 1)
