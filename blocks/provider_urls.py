"""Addresses of outside services: which ones are taken, and what of them may be told."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from pipeline.errors import ConfigurationError, ServiceUnavailable


def plain_base_url(url: str, variable: str) -> str:
    """A service's base URL, without a slash at its end.

    Args:
        variable: the setting that a person corrects.

    Raises:
        ConfigurationError: it is not http or https, or it holds a user or password, which log
            lines would tell.
    """
    parts = _split(url)
    plain = parts is not None and parts.hostname and "@" not in parts.netloc
    if parts is None or not plain or parts.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"{variable} is not a plain http or https address.",
            remedy=f"Set {variable} to an address without user or password.",
        )
    return url.rstrip("/")


def require_safe_download(url: str, base_url: str, service: str) -> None:
    """Refuse to fetch an address, given by a service, that could lie inside our own network.

    Taken are https addresses with a host name (the certificate then proves the host), and the
    service's own origin.

    Raises:
        ServiceUnavailable: the address is another one.
    """
    parts, base = _split(url), _split(base_url)
    if parts is not None and base is not None:
        own = (parts.scheme, parts.netloc) == (base.scheme, base.netloc)
        named = parts.scheme == "https" and _is_public_name(parts.hostname or "")
        if "@" not in parts.netloc and (own or named):
            return
    raise ServiceUnavailable(f"{service} named an address for its result that is not fetched.")


_INWARD = frozenset({"localhost", "internal", "local", "lan", "home", "corp"})


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_public_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # "localhost", "metadata" and numbers such as 2130706433 have no dot; 127.1 ends in one.
        name, _, last = host.lower().rstrip(".").rpartition(".")
        return bool(name) and last.isalpha() and last not in _INWARD
    return False
