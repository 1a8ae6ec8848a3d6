"""Finds the Prefect server from which a run loads its saved blocks."""

from __future__ import annotations

import os

QUIET = {
    # Prefect's console logs would tear the progress display; they still go to its server.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
}
_provided: set[str] = set()


def is_named() -> bool:
    """Whether a person named the server, in the place of one that is found or started here."""
    url = os.environ.get("PREFECT_API_URL")
    return bool(url) and url not in _provided


def know_server() -> None:
    """Set this process up for its Prefect server, as a run does, before a block is loaded.

    Raises:
        ServiceUnavailable: the server does not answer, or ours does not start.
        ConfigurationError: it refuses the password.
    """
    from app.prefect.server import provide_prefect
    from app.process.working_folder import leave_folder
    from app.terminal.console import working
    from pipeline.settings import load_settings

    settings = load_settings()
    leave_folder()
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    named = is_named()
    with working("Connecting to Prefect" if named else "Starting Prefect"):
        url = provide_prefect(
            settings.home,
            auth_file=settings.prefect_auth_file,
            idle_seconds=settings.engine_idle_seconds,
        )
    _provided.update(() if named else [url])
