"""Starts a Prefect server of our own where PREFECT_API_URL names none.

It runs only while somebody needs it, keeps its history in our home folder, and is set so that
SQLite neither crawls nor kills runs (figures: docs/decisions/0077-prefect-on-sqlite.md).
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx

from app.prefect.access import (
    address_of_stack,
    named_auth_string,
    own_auth_string,
    require,
    require_protected,
    require_usable_proxy,
    use,
)
from app.prefect.supervised_server import SupervisedServer, end
from app.stack.status_file import running_stack
from pipeline.child_processes import (
    NEUTRAL_FOLDER,
    ROOT,
    child_environment,
    die_with_parent,
    module_command,
)
from pipeline.errors import ServiceUnavailable
from pipeline.full_disk import full_disk, has_no_room
from pipeline.loopback import direct_loopback, free_port
from pipeline.private_files import open_home

START_TIMEOUT_SECONDS = 180.0
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
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
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


def provide_prefect(
    home: Path, waiting: Callable[[], None] = lambda: None, *, auth_file: Path | None = None
) -> str:
    """The API's URL: that of PREFECT_API_URL, else of a server of ours that ends with this process.

    Sets this process's environment for the Prefect client, so it has to be called before
    Prefect is imported, and from the main thread: the server ends with the thread that starts it.

    Args:
        waiting: called once when another run has its server open and has to end first.
        auth_file: with ``user:password`` for the server that PREFECT_API_URL names.

    Raises:
        ServiceUnavailable: our server did not start; the sentence names its log.
        ConfigurationError: the server's password cannot be read or kept, or is refused.
    """
    if url := join_prefect(home, auth_file):
        require(url)
        return url
    open_home(home)
    folder = home / "prefect"
    folder.mkdir(exist_ok=True, mode=0o700)
    os.environ["PREFECT_HOME"] = str(folder)
    url = prefect_of_stack(home) or _our_server(folder, waiting)
    os.environ["PREFECT_API_URL"] = url
    use(own_auth_string(folder))
    return url


def join_prefect(home: Path, auth_file: Path | None) -> str | None:
    """The URL that PREFECT_API_URL names, with this process's environment set for its client.

    The home's own password is sent to the server of its own `navigator up` only; any other gets
    what `auth_file` holds, or PREFECT_API_AUTH_STRING as it is.

    Raises:
        ConfigurationError: the server's password cannot be read, a proxy not be used, or the
            server only be reached without TLS.
    """
    require_usable_proxy()
    os.environ.update(direct_loopback(os.environ))
    for name, value in CLIENT_SETTINGS.items():
        os.environ.setdefault(name, value)
    if not (url := os.environ.get("PREFECT_API_URL")):
        return None
    require_protected(url)
    if auth_file is not None:
        use(named_auth_string(auth_file))
    elif url.rstrip("/") == address_of_stack(home):
        use(own_auth_string(home / "prefect"))
    else:
        use(None)
    return url


def require_prefect(home: Path, *, auth_file: Path | None = None) -> str:
    """As `provide_prefect`, but for what cannot bring a server of its own along: a worker.

    Raises:
        ServiceUnavailable: there is no server, or it does not answer.
    """
    if "PREFECT_API_URL" not in os.environ and prefect_of_stack(home) is None:
        raise ServiceUnavailable(
            "There is no Prefect server to work for.",
            remedy="Start everything with `navigator up`, or set PREFECT_API_URL.",
        )
    return provide_prefect(home, auth_file=auth_file)


def prefect_of_stack(home: Path) -> str | None:
    """The server of the `navigator up` that runs on this home folder, once it answers."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while (stack := running_stack(home)) is not None and time.monotonic() < deadline:
        if (server := stack.services.get("prefect")) is None:
            return None
        if server.state == "healthy":
            return f"{server.address}/api"
        time.sleep(0.2)
    return None


def _our_server(folder: Path, waiting: Callable[[], None]) -> str:
    lock = (folder / "lock").open("w")
    # Two servers on one SQLite file would fight; a second run waits for the first to end it.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / "server.log").unlink(missing_ok=True)
    port = free_port()
    kept = SupervisedServer(_start(folder, port), partial(_start, folder, port), lock)
    # Not at the end of a block: Prefect sends its last logs and events while Python shuts its
    # threads down, and waits forever for a server that has gone. `atexit` comes after that.
    atexit.register(kept.stop)
    return f"{_address(port)}/api"


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


def server_command(port: int, *, guarded: bool = True) -> list[str]:
    """The command that serves Prefect's application on a port of this machine.

    Args:
        guarded: with the password of its folder; without it only for measurements.
    """
    application = "create_own_app" if guarded else "create_app"
    return module_command(
        # uvicorn itself puts the current folder on the path, unless another is named
        "uvicorn", "--app-dir", str(ROOT), "--factory", f"app.prefect.application:{application}",
        "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning",
        "--no-proxy-headers",
    )  # fmt: skip


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    address = _address(port)
    variables = server_environment(folder, address, pages=False)
    environment = child_environment({**os.environ, **variables})
    environment.pop("PREFECT_API_URL", None)
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            server_command(port),
            env=environment, cwd=NEUTRAL_FOLDER, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=die_with_parent,
        )  # fmt: skip
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{address}/api/health", timeout=2).is_success:
                return process
        time.sleep(0.1)
    end(process)
    if has_no_room(folder):
        raise full_disk(folder)
    raise ServiceUnavailable(
        f"The local Prefect server did not start; its log is {folder / 'server.log'}.",
        remedy="Read the log, or set PREFECT_API_URL to a running server.",
    )
