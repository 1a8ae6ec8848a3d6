"""Provides a Prefect server: the one that PREFECT_API_URL names, else one of our own.

Ours runs while somebody needs it, and for a while longer where that is asked for, and keeps its
history in our home folder.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from app.prefect.access import (
    address_of_stack,
    named_auth_string,
    own_auth_string,
    require,
    require_protected,
    require_usable_proxy,
    use,
)
from app.prefect.own_server import PrivateServer, begin_private
from app.prefect.resident_note import server_version
from app.prefect.resident_server import SharedServer, begin_resident
from app.prefect.server_command import CLIENT_SETTINGS
from app.prefect.starting import START_TIMEOUT_SECONDS
from app.stack.status_file import running_stack
from pipeline.errors import ServiceUnavailable
from pipeline.loopback import direct_loopback
from pipeline.private_files import open_home
from pipeline.settings import load_settings


def _nothing() -> None:
    pass


def provide_prefect(
    home: Path,
    waiting: Callable[[], None] = _nothing,
    *,
    auth_file: Path | None = None,
    idle_seconds: float = 0,
    meanwhile: Callable[[], None] = _nothing,
) -> str:
    """The API's URL: that of PREFECT_API_URL, else of a server of ours.

    Sets this process's environment for the Prefect client, so it has to be called before
    Prefect is imported, and from the main thread: a server that does not stay ends with the thread
    that starts it.

    Args:
        waiting: called once when another run has its server open and has to end first.
        auth_file: with ``user:password`` for the server that PREFECT_API_URL names.
        idle_seconds: so long a server of ours goes on after its last command, and is shared; with 0
            it is this process's own, and ends with it.
        meanwhile: called when the environment is set, while a server of ours starts; Prefect can
            be imported in it.

    Raises:
        ServiceUnavailable: our server did not start; the sentence names its log.
        ConfigurationError: the server's password cannot be read or kept, or is refused.
    """
    if url := join_prefect(home, auth_file):
        require(url)
        meanwhile()
        return url
    open_home(home)
    folder = home / "prefect"
    folder.mkdir(exist_ok=True, mode=0o700)
    os.environ["PREFECT_HOME"] = str(folder)
    use(own_auth_string(folder))
    if url := prefect_of_stack(home):
        os.environ["PREFECT_API_URL"] = url
        _tell_loaded()
        meanwhile()
        return url
    begun = _begun(folder, waiting, idle_seconds)
    os.environ["PREFECT_API_URL"] = begun.url
    _tell_loaded()
    try:
        meanwhile()
        begun.until_ready()
    except BaseException:
        begun.give_up()
        del os.environ["PREFECT_API_URL"]
        raise
    return begun.url


def _tell_loaded() -> None:
    """Have a Prefect that this process has imported already read the environment again."""
    if "prefect" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()


def _begun(
    folder: Path, waiting: Callable[[], None], idle_seconds: float
) -> PrivateServer | SharedServer:
    if idle_seconds <= 0:
        return begin_private(folder, waiting)
    version = server_version(load_settings().prefect_hosts)
    return begin_resident(folder, version, idle_seconds, waiting)


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
