"""Serves the application over a socket (uvicorn) until the process is asked to end."""

from __future__ import annotations

import os
from typing import Any

import uvicorn
from fastapi import FastAPI

from app.api.application import create_app
from app.api.connections import bounded
from app.api.tls import requires_tls
from app.prefect.server import join_prefect, prefect_of_stack
from app.process.log_output import configure_logs
from app.process.tracing import configure_tracing
from app.process.working_folder import leave_folder
from pipeline.logs import logger
from pipeline.settings import Settings
from stages.protected_connections import require_http

GRACE_SECONDS = 10
_LOG = logger("navigator.process")


def serve(settings: Settings, host: str, port: int, *, only_mcp: bool = False) -> None:
    """Serve the API; returns after SIGTERM or Ctrl-C, when what is under way has ended.

    Args:
        only_mcp: see `create_app`.

    Raises:
        ConfigurationError: it would be served to other machines without TLS.
    """
    tls = requires_tls(settings, host)
    require_http(settings, settings.public_url, "the API", "NAVIGATOR_PUBLIC_URL")
    require_http(settings, settings.alerts_url, "the API", "NAVIGATOR_ALERTS_URL")
    leave_folder()
    if "PREFECT_API_URL" not in os.environ and (url := prefect_of_stack(settings.home)):
        os.environ["PREFECT_API_URL"] = url
    join_prefect(settings.home, settings.prefect_auth_file)
    configure_logs(settings, "api")
    configure_tracing(settings, "api")
    _LOG.info("process_started", host=host, port=port)
    app = create_app(settings, tls=tls, only_mcp=only_mcp)
    uvicorn.Server(configuration(app, settings, host=host, port=port)).run()
    _LOG.info("process_stopped")


def configuration(app: FastAPI, settings: Settings, **more: Any) -> uvicorn.Config:
    """How the application is served: by strict HTTP, and without believing any header."""
    options = {
        "log_config": None,
        "access_log": False,
        "http": bounded(settings.request_timeout_seconds),
        "ws": "none",
        "server_header": False,
        # The server's own would trust any local process: see `app.api.forwarded_headers`.
        "proxy_headers": False,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }
    return uvicorn.Config(app, **options | more)
