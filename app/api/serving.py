"""Serving the application over a socket until the process is asked to end."""

from __future__ import annotations

import os

import uvicorn

from app.api.application import create_app
from app.api.connections import bounded
from app.log_output import configure_logs
from app.prefect_server import join_prefect, prefect_of_stack
from pipeline.logs import logger
from pipeline.settings import Settings

GRACE_SECONDS = 10
_LOG = logger("navigator.process")


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve the API; returns after SIGTERM or Ctrl-C, when what is under way has ended."""
    if "PREFECT_API_URL" not in os.environ and (url := prefect_of_stack(settings.home)):
        os.environ["PREFECT_API_URL"] = url
    join_prefect(settings.home, settings.prefect_auth_file)
    configure_logs(settings, "api")
    _LOG.info("process_started", host=host, port=port)
    configuration = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        http=bounded(settings.request_timeout_seconds),
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(configuration).run()
    _LOG.info("process_stopped")
