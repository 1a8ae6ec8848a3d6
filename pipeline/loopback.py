"""Keeps requests to this machine's own services off any proxy of the environment.

HTTP_PROXY without NO_PROXY sends requests for 127.0.0.1 to the proxy, too, where that is another
machine. Every library that we use reads NO_PROXY; what lies elsewhere still goes by the proxy.
"""

from __future__ import annotations

import ipaddress
import random
import socket
from collections.abc import Mapping
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec

OWN_HOSTS = ("localhost", "127.0.0.1", "::1")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_NOT_GIVEN_AWAY = range(10_000, 32_768)  # Linux gives the next ones away, other systems higher ones
_EXCEPTIONS = ("NO_PROXY", "no_proxy")


def proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The proxies that an environment names, by their variables."""
    return {
        name: value for name, value in environment.items() if name.lower() in _PROXIES and value
    }


def unusable_proxy(environment: Mapping[str, str]) -> str | None:
    """The variable that names a proxy which our HTTP clients cannot use; they would all fail."""
    has_socks = find_spec("socksio") is not None
    for name, value in proxies(environment).items():
        scheme = value.partition("://")[0].lower() if "://" in value else "http"
        usable = scheme in ("http", "https") or (scheme in ("socks5", "socks5h") and has_socks)
        if not usable:
            return name
    return None


def direct_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that keep requests for this machine from its proxy; none without a proxy.

    Both spellings get what either says, since libraries differ in which they read first.
    """
    if not proxies(environment):
        return {}
    named = [environment.get(name, "").split(",") for name in _EXCEPTIONS]
    hosts = [host.strip() for each in named for host in each if host.strip()]
    # "*" says all, and is understood only where it stands alone.
    listed = "*" if "*" in hosts else ",".join(dict.fromkeys([*hosts, *OWN_HOSTS]))
    return dict.fromkeys(_EXCEPTIONS, listed)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own; a name is no address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def answers(port: int, path: str, seconds: float) -> bool:
    """Whether a server of this machine answers a GET with a success.

    Not with httpx, whose client reads all trusted certificates when it is made: 20 ms of the
    processor at every look.

    Args:
        seconds: how long it may be silent.
    """
    with closing(HTTPConnection("127.0.0.1", port, timeout=seconds)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status < HTTPStatus.BAD_REQUEST
        except (OSError, HTTPException):
            return False


def free_port() -> int:
    """A port of this machine at which nobody listens now; another server may take it.

    None of those that systems give to outgoing connections: of these, one is often taken before the
    server that it is for has started.
    """
    for port in random.sample(_NOT_GIVEN_AWAY, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
