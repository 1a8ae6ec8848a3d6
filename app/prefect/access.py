"""Manages the password of the Prefect server that we start, and hands it to our clients.

The secret is ``user:password`` in a file of the home folder, in the form that Prefect calls an
auth string. It reaches Prefect through the process's own environment, after its start, so that it
stands in no command line and not in what the system shows of a process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import httpx

from app.stack.status_file import running_stack
from deployments.prefect_api import change_tokens, password_header
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.loopback import unusable_proxy
from pipeline.secret_file import kept_secret
from pipeline.settings import load_settings
from stages.protected_connections import require_http

USER = "navigator"
SERVER_VARIABLE = "PREFECT_SERVER_API_AUTH_STRING"
CLIENT_VARIABLE = "PREFECT_API_AUTH_STRING"
CSRF_VARIABLE = "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED"


def auth_file(folder: Path) -> Path:
    """Where the secret of the server is kept whose files lie in `folder`."""
    return folder / "auth-string"


def own_auth_string(folder: Path) -> str:
    """The secret of the server whose files lie in `folder`; made once.

    Raises:
        ConfigurationError: the file cannot be read or made.
    """
    return _guarded(auth_file(folder), lambda path: kept_secret(path, f"{USER}:"))


def named_auth_string(path: Path) -> str:
    """The secret in a file that a person names (NAVIGATOR_PREFECT_AUTH_FILE).

    Raises:
        ConfigurationError: it cannot be read, or is no auth string.
    """
    found = _guarded(path, lambda path: path.read_text("utf-8").strip())
    if ":" not in found or not found.isprintable():
        raise ConfigurationError(
            "The file that NAVIGATOR_PREFECT_AUTH_FILE names does not hold user:password.",
            remedy="Write one line into it, user and password with a colon between.",
        )
    return found


def use(auth_string: str | None) -> None:
    """Have Prefect's client in this process send the secret; before Prefect is imported.

    Without one of ours, PREFECT_API_AUTH_STRING is used as it stands in the environment.
    """
    if auth_string is not None:
        os.environ |= {CLIENT_VARIABLE: auth_string, CSRF_VARIABLE: "true"}
    elif CLIENT_VARIABLE in os.environ:
        os.environ.setdefault(CSRF_VARIABLE, "true")


def auth_header() -> dict[str, str]:
    """The header for requests of our own, besides Prefect's client; empty without a password."""
    return password_header(os.environ.get(CLIENT_VARIABLE))


def require_usable_proxy() -> None:
    """Make sure that our HTTP clients can be made at all.

    Raises:
        ConfigurationError: the environment names a proxy of a kind that they do not know.
    """
    if (name := unusable_proxy(os.environ)) is not None:
        raise ConfigurationError(
            f"{name} names a proxy of a kind that cannot be used here.",
            remedy="Name an HTTP proxy there, unset it, or install `socksio` for SOCKS 5.",
        )


def require_protected(url: str) -> None:
    """Make sure that passwords and runs go to the server by TLS, if it is another machine's.

    Raises:
        ConfigurationError: they would not.
    """
    require_http(load_settings(), url, "the Prefect server", "PREFECT_API_URL")


def change_headers(url: str) -> dict[str, str]:
    """Headers with which a request of our own may change something on the server, CSRF's too.

    Raises:
        httpx.HTTPError: the server does not answer.
    """
    with httpx.Client(base_url=url, headers=auth_header(), timeout=30) as client:
        return auth_header() | change_tokens(client)


def address_of_stack(home: Path) -> str | None:
    """Where the server of the `navigator up` on this home folder is, whether it answers or not."""
    stack = running_stack(home)
    server = stack.services.get("prefect") if stack else None
    return f"{server.address}/api" if server else None


def require(url: str) -> None:
    """Make sure that a Prefect server answers, and takes our password if it asks for one.

    Whether its clients need CSRF tokens is asked once, and said in this process's environment:
    else each client of Prefect's would ask before its first change.

    Raises:
        ServiceUnavailable: it does not answer.
        ConfigurationError: it wants another password.
    """
    try:
        with httpx.Client(base_url=url.rstrip("/"), timeout=10) as client:
            client.get("/health").raise_for_status()
            refuses = (
                "PREFECT_API_KEY" not in os.environ
                and client.get("/admin/version", headers=auth_header()).status_code
                == httpx.codes.UNAUTHORIZED
            )
            if not refuses and CSRF_VARIABLE not in os.environ:
                os.environ[CSRF_VARIABLE] = "true" if change_tokens(client) else "false"
        if refuses:
            raise ConfigurationError(
                "The Prefect server that PREFECT_API_URL names refuses the password.",
                remedy="Set PREFECT_API_AUTH_STRING to its user:password, or name a file that "
                "holds it with NAVIGATOR_PREFECT_AUTH_FILE; that of `navigator up` is in the file "
                "prefect/auth-string of its home folder.",
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceUnavailable(
            f"The Prefect server that PREFECT_API_URL names does not answer "
            f"({type(error).__name__}).",
            remedy="Start it, correct the variable, or unset it to use a server of our own.",
        ) from None


def _guarded(path: Path, read: Callable[[Path], str]) -> str:
    try:
        return read(path)
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "no text"
        raise ConfigurationError(
            f"The password of the Prefect server cannot be kept or read in {path} ({why}).",
            remedy="Let this user read and write its folder, or set NAVIGATOR_HOME to another one.",
        ) from None
