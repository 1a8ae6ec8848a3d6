"""How a Prefect server of our own is started: its settings, environment and command line.

SQLite neither crawls nor kills runs with them (figures: docs/decisions/0077-prefect-on-sqlite.md).
"""

from __future__ import annotations

from pathlib import Path

from pipeline.child_processes import ROOT, module_command

_BATCHES = {
    f"PREFECT_SERVER_SERVICES_{service}_{name}": value
    for service in ("TASK_RUN_RECORDER", "EVENT_PERSISTER")
    for name, value in (("READ_BATCH_SIZE", "200"), ("BATCH_SIZE", "200"), ("FLUSH_INTERVAL", "1"))
}
_LEASES_IN_FILES = "prefect.server.concurrency.lease_storage.filesystem"
SERVER_SETTINGS = {
    **_BATCHES,
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    # Nothing here needs what these do, and each polls the database.
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED": "false",
    # Sweeps are planned for minutes, not an hour: what is planned when it stops comes all at once.
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT3M",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "5",
    # In memory, a restart would forget who holds a deployment's slots, and never give them back.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": _LEASES_IN_FILES,
    # A sweep a minute would fill the database; what became of documents stands in ours.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(14 * 24 * 3600),
}
CLIENT_SETTINGS = {
    # The server answers 503 while SQLite is locked: ask again rather than lose the run.
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "503",
    # Each wait is twice the last: two minutes in all. Ten would be half an hour of silence for a
    # server that has gone.
    "PREFECT_CLIENT_MAX_RETRIES": "6",
    "DO_NOT_TRACK": "1",
}


def server_environment(folder: Path, address: str, *, pages: bool = True) -> dict[str, str]:
    """Variables of a server whose history lies in `folder`.

    Args:
        address: where browsers find it.
        pages: whether it serves its UI.
    """
    return {
        **SERVER_SETTINGS,
        "PREFECT_UI_ENABLED": str(pages).lower(),
        "PREFECT_UI_API_URL": "/api",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": address,
        "PREFECT_HOME": str(folder),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
    }


def server_command(port: int, *, guarded: bool = True, resident: bool = False) -> list[str]:
    """The command that serves Prefect's application on a port of this machine.

    Args:
        guarded: with the password of its folder; without it only for measurements.
        resident: it ends itself once nobody has used it for a while.
    """
    own = "create_resident_app" if resident else "create_own_app"
    application = own if guarded else "create_app"
    return module_command(
        # uvicorn itself puts the current folder on the path, unless another is named
        "uvicorn", "--app-dir", str(ROOT), "--factory", f"app.prefect.application:{application}",
        "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning",
        "--no-proxy-headers",
    )  # fmt: skip
